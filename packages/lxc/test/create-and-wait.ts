import { createLocalSystem, probeHost } from '@rootless-runtime/host'
import { createLxc } from '../src/lxc.ts'

// A caller who is killed while it makes a container.
const machine = createLocalSystem()
const { containers } = createLxc(machine, { timeoutMs: 30_000, workplace: { machine, hostFacts: () => probeHost(machine) } })
process.stdout.write('now\n')
await containers.create(JSON.parse(process.argv[2] ?? '{}'))
setInterval(() => {}, 1000)
