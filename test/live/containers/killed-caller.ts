import { createDocker } from '@rootless-runtime/docker'
import { createLocalSystem, probeHost } from '@rootless-runtime/host'
import { createLxc } from '@rootless-runtime/lxc'
import { createPodman } from '@rootless-runtime/podman'
import { ENGINE_NAMES, type ContainerOptions, type Containers, type EngineName, type RootlessRuntime } from 'rootless-runtime'

// A process that is killed while it calls: `killed-caller.ts ENGINE CALL OPTIONS STEPS` says "ready", then calls, and kills itself after
// so many steps: things that it changed or started on this machine. `sweep` prints what became of it, and ends.

const [, , engineName, word = '', json = '{}', steps = 'none'] = process.argv

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

type Machine = ReturnType<typeof createLocalSystem>
const CREATE: Readonly<Record<EngineName, typeof createLxc>> = { docker: createDocker, podman: createPodman, lxc: createLxc }

/** None before the call. */
let stepsLeft = Number.POSITIVE_INFINITY

/** Does it, and nothing after the last step. */
function counted<Arguments extends readonly unknown[], Value>(
  step: (...given: Arguments) => Promise<Value>,
): (...given: Arguments) => Promise<Value> {
  return async (...given) => {
    const value = await step(...given)
    stepsLeft -= 1
    if (stepsLeft <= 0) process.kill(process.pid, 'SIGKILL')
    return value
  }
}

function countSteps(machine: Machine): Machine {
  const { files } = machine
  return {
    ...machine,
    run: counted(machine.run),
    spawn: counted(machine.spawn),
    connect: counted(machine.connect),
    files: {
      ...files,
      makeDirectory: counted(files.makeDirectory),
      makeTemporaryDirectory: counted(files.makeTemporaryDirectory),
      write: counted(files.write),
      writeNew: counted(files.writeNew),
      append: counted(files.append),
      rename: counted(files.rename),
      remove: counted(files.remove),
    },
  }
}

function open(engine: EngineName): RootlessRuntime {
  const machine = countSteps(createLocalSystem())
  return CREATE[engine](machine, { timeoutMs: 30_000, workplace: { machine, hostFacts: () => probeHost(machine) } })
}

const engine = ENGINE_NAMES.find((name) => name === engineName)
if (engine === undefined) throw new Error(`${engineName} is no engine`)
const { containers } = open(engine)
if (word === 'sweep') process.stdout.write(JSON.stringify(await containers.sweep()))
else {
  // Written by the suite that started this program.
  const options: ContainerOptions = JSON.parse(json)
  // What a first call loads and asks is not what is to be cut.
  await containers.list()
  process.stdout.write('ready')
  if (steps !== 'none') stepsLeft = Number(steps)
  await CALLS[word]?.(containers, options)
  setInterval(() => {}, 60_000)
}
