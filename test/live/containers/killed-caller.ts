import { ENGINE_NAMES, openRuntime, type ContainerOptions, type Containers } from 'rootless-runtime'

// A process that is killed while it calls: `killed-caller.ts ENGINE CALL OPTIONS` says "ready", and then calls. `sweep` prints what
// became of it, and ends.

const [, , engineName, word = '', json = '{}'] = process.argv

const CALLS: Readonly<Record<string, (containers: Containers, options: ContainerOptions) => Promise<unknown>>> = {
  create: (containers, options) => containers.create(options),
  run: (containers, options) => containers.run(options),
  start: async (containers, options) => {
    const container = await containers.create(options)
    await container.start()
    await container.stop({ timeoutMs: 0 })
    await container.start()
  },
  runToEnd: (containers, options) => containers.runToEnd({ ...options, command: ['true'] }),
}

const engine = ENGINE_NAMES.find((name) => name === engineName)
if (engine === undefined) throw new Error(`${engineName} is no engine`)
const { containers } = await openRuntime(engine, { timeoutMs: 30_000 })
if (word === 'sweep') process.stdout.write(JSON.stringify(await containers.sweep()))
else {
  // Written by the suite that started this program.
  const options: ContainerOptions = JSON.parse(json)
  // What a first call loads and asks is not what is to be cut.
  await containers.list()
  process.stdout.write('ready')
  await CALLS[word]?.(containers, options)
  setInterval(() => {}, 60_000)
}
