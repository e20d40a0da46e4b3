import { posix } from 'node:path'
import type { Machine } from '@rootless-runtime/core'
import * as z from 'zod'
import { bridgePlace } from './lxc-bridge.ts'
import { readJson } from './lxc-image-store.ts'
import type { NetworkRequest } from './lxc-parts.ts'

/** What was chosen when the container was made. */
const networkFile = z.object({
  /** What gives it a way out. */
  driver: z.enum(['slirp4netns', 'pasta', 'lxc-user-nic', 'host', 'none']),
  /** On a network with a name. */
  address: z.string().nullable(),
  /** With `lxc-user-nic`. */
  bridge: bridgePlace.nullish(),
})
export type NetworkChoice = z.infer<typeof networkFile>

export async function writeChoice(machine: Machine, request: NetworkRequest, choice: NetworkChoice): Promise<void> {
  await machine.files.write(toPath(request), JSON.stringify(choice))
}

function toPath({ containerFolder }: Pick<NetworkRequest, 'containerFolder'>): string {
  return posix.join(containerFolder, 'network.json')
}

export async function readChoice(machine: Machine, request: Pick<NetworkRequest, 'containerFolder'>): Promise<NetworkChoice> {
  return (await readJson(machine, toPath(request), networkFile)) ?? { driver: 'none', address: null }
}
