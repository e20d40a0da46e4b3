import { ENGINE_NAMES, openRuntime, type ContainerOptions } from 'rootless-runtime'

// A process that owns a container: `owner.ts ENGINE OPTIONS` makes and starts it, prints its name, and lives until it is killed.

const [, , engineName, json = '{}'] = process.argv
const engine = ENGINE_NAMES.find((name) => name === engineName)
if (engine === undefined) throw new Error(`${engineName} is no engine`)
// Written by the suite that started this program.
const options: ContainerOptions = JSON.parse(json)
const container = await (await openRuntime(engine)).containers.run(options)
process.stdout.write(`${container.name}\n`)
setInterval(() => {}, 60_000)
