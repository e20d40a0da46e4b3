import { printable, type Call } from '@rootless-runtime/core'
import { checkEnd, checkUnpacked } from './lxc-errors.ts'
import { PACK, UNPACK } from './lxc-image-build.ts'
import { toInsideProgram } from './lxc-inside.ts'
import { pipePrograms, toMappedProgram, type FileDoor } from './lxc-mapped.ts'
import type { RootfsOf } from './lxc-parts.ts'
import type { RootAccess } from './lxc-rootfs.ts'

/** A volume that holds nothing gets what the image has in its place, owners and modes too, as Docker and Podman do it. */
export async function fillVolume(
  door: FileDoor,
  access: RootAccess,
  container: RootfsOf,
  { data, target }: { readonly data: string; readonly target: string },
  call: Call,
): Promise<void> {
  const names = await door.machine.listDirectory(data)
  if (names.status !== 'ok' || names.value.length > 0) return
  const pack = (await access.tools()).toCommand('tar', [...PACK.slice(1), '-C', target, '.'])
  const from = toInsideProgram(container, await access.viewOf(container.containerFolder), pack)
  const ends = await pipePrograms(door.machine, from, toMappedProgram(await door.idMaps(), [...UNPACK, '-C', data]), call.signal)
  checkUnpacked(ends.to, 'fill the volume')
  checkEnd(ends.from, `read ${printable(target)} of the container`)
}
