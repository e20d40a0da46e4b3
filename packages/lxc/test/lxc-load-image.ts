import { createLocalSystem } from '@rootless-runtime/host'
import { readLxc } from '../src/lxc-facts.ts'
import { createLxcImages } from '../src/lxc-images.ts'
import { createLxcStore } from '../src/lxc-store.ts'

/** Loads an archive into the store of this process's environment, as one of several processes at once. */
const [, , archive = ''] = process.argv
const machine = createLocalSystem()
const { facts } = await readLxc(machine, 20_000)
if (facts === null) throw new Error('LXC is not available')
const door = { machine, idMaps: async () => facts.config.idMaps, version: async () => facts.version }
const [image] = await createLxcImages(door, createLxcStore(door)).load(archive, { reference: 'live-together' })
process.stdout.write(image?.id ?? 'nothing')
