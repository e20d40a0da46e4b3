import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { parseImageReference, type ArchivedLayer } from '@rootless-runtime/image'
import { RootlessError, type Call } from '@rootless-runtime/core'
import * as z from 'zod'
import { checkEnd } from './lxc-errors.ts'
import { PACK, storeImage } from './lxc-image-build.ts'
import { imagePathsOf, readJson, readStoredImage } from './lxc-image-store.ts'
import { lastLine, startProgram, toExitCode, toMappedProgram, type FileDoor } from './lxc-mapped.ts'
import type { RootfsOf } from './lxc-parts.ts'
import type { RootAccess } from './lxc-rootfs.ts'
import type { FileStore } from './lxc-store.ts'

/** The configuration of an image as it came; what we do not know of it is kept. */
const configFile = z.looseObject({ history: z.array(z.unknown()).nullish() })

/**
 * Makes an image of what the container's root holds now, without what is mounted in it. The configuration is its image's; the root
 * becomes one layer.
 */
export async function commit(
  door: FileDoor,
  store: FileStore,
  access: RootAccess,
  container: RootfsOf,
  reference: string,
  call: Call,
): Promise<string> {
  const name = parseImageReference(reference).text
  const image = await readStoredImage(door.machine, store, container.imageId)
  const before = await readJson(door.machine, imagePathsOf(store, container.imageId).configFile, configFile)
  if (image === null || before === null)
    throw new RootlessError('IMAGE_NOT_FOUND', `the image ${container.imageId} of the container is gone`, { engine: 'lxc' })
  const folder = store.newWorkPath()
  await door.machine.files.makeDirectory(folder)
  try {
    const layer = await packRoot(door, access, container, posix.join(folder, 'layer.tar'), call)
    const created = new Date().toISOString()
    const configJson = Buffer.from(
      JSON.stringify({
        ...before,
        created,
        history: [{ created, comment: 'committed' }],
        rootfs: { type: 'layers', diff_ids: [layer.diffId] },
      }),
    )
    const id = `sha256:${createHash('sha256').update(configJson).digest('hex')}`
    const config = { ...image.config, createdAt: created }
    await storeImage(door, store, { id, references: [name], config, configJson, layers: [layer] }, call)
    return id
  } finally {
    await store.removeTree(folder)
  }
}

const MOUNT_AND_PACK = 'mount -t overlay -o "$1" overlay "$2" && cd "$2" && shift 2 && "$@"; exit $?'

async function packRoot(
  door: FileDoor,
  access: RootAccess,
  container: RootfsOf,
  path: string,
  call: Call,
): Promise<ArchivedLayer> {
  const view = await access.readOnlyViewOf(container.containerFolder)
  const pack = [...PACK, '.']
  const command =
    'folder' in view
      ? ['tar', '-C', view.folder, ...pack.slice(1)]
      : ['unshare', '-m', '--', 'sh', '-c', MOUNT_AND_PACK, 'sh', view.overlay, view.mountPoint, ...pack]
  const program = { ...toMappedProgram(container.idMaps, command), signal: call.signal }
  const running = await startProgram(door.machine, program)
  running.stdin.end()
  let stderr = ''
  running.stderr.on('data', (chunk: Buffer) => (stderr = `${stderr}${chunk.toString('utf8')}`.slice(-10_000)))
  const hash = createHash('sha256')
  let sizeBytes = 0
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of running.stdout) {
      const bytes = Buffer.from(chunk)
      hash.update(bytes)
      sizeBytes += bytes.length
      yield bytes
    }
  }
  try {
    await door.machine.files.write(path, counted(), call.signal === undefined ? {} : { signal: call.signal })
    const exitCode = toExitCode(await running.ended)
    // 1: a file changed while it was read, which a running container may do.
    if (exitCode !== 1) checkEnd({ exitCode, stderr: lastLine({ stderr }) }, 'read the root of the container')
  } finally {
    running.kill('SIGKILL')
  }
  return { diffId: `sha256:${hash.digest('hex')}`, path, sizeBytes }
}
