import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { buildTestImage, toDockerArchive } from '@rootless-runtime/conformance'
import { discoverRuntimes, openRuntime, type Container, type EngineName, type RootlessRuntime } from 'rootless-runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missEngine } from '../../leave-out.ts'
import type { Calls } from './engine-calls.ts'
import { openPrivateDocker } from './private-docker.ts'
import type { DiskOptions, PrivateEngine } from './private-engine.ts'
import { openPrivatePodman } from './private-podman.ts'

// Engines whose data lie on a file system of 48 MiB: what every call says when it is full, and what it leaves.

const ENGINES: readonly (readonly [EngineName, (options: DiskOptions) => Promise<PrivateEngine>])[] = [
  ['docker', openPrivateDocker],
  ['podman', openPrivatePodman],
]
const PATIENCE = Number(process.env['TEST_PATIENCE'] ?? 1)
const MEBIBYTE = 1024 ** 2
const DISK_BYTES = 48 * MEBIBYTE
/** What is said of a full disk on every engine. */
const FULL = { code: 'HOST_REFUSED', evidence: 'ENOSPC' }
const MARK = `private-${process.pid}`
const IMAGE = `${MARK}:latest`
const here = new Map((await discoverRuntimes()).map(({ engine, availability }) => [engine, availability]))

describe.each(ENGINES)('%s on a disk that is full', { timeout: 120_000 * PATIENCE }, (name, openEngine) => {
  const availability = here.get(name)
  if (availability?.status !== 'available') {
    return missEngine(name, availability?.reason ?? 'nobody looked')
  }
  let engine: PrivateEngine
  let runtime: RootlessRuntime
  let container: Container
  let other: Container
  /** Before anything was refused. */
  let usedBytes: number

  beforeAll(async () => {
    engine = await openEngine({ diskBytes: DISK_BYTES })
    runtime = await openRuntime(name, { timeoutMs: 20_000 })
    await runtime.images.load(Readable.from([await archiveOf(IMAGE, 0)]))
    // It gives the space back when it is told to: where the disk is full, no other command may begin.
    const command = ['sh', '-c', 'trap "rm -f /fill" USR1; while :; do sleep 0.1; done']
    container = await runtime.containers.run({ image: IMAGE, name: `${MARK}-main`, network: 'none', command })
    other = await runtime.containers.run({ image: IMAGE, name: `${MARK}-other`, network: 'none' })
    usedBytes = await engine.usedBytes()
  }, 120_000 * PATIENCE)

  afterAll(async () => {
    await engine[Symbol.asyncDispose]()
  }, 60_000 * PATIENCE)

  test('an image that is too large is refused, and nothing of it stays', async () => {
    const before = await listImages(runtime)
    const archive = await archiveOf(`${MARK}-large:latest`, 64)
    await expect(runtime.images.load(Readable.from([archive]))).rejects.toMatchObject(FULL)
    expect(await listImages(runtime)).toEqual(before)
    await expect.poll(() => engine.usedBytes(), { timeout: 10_000 }).toBeLessThan(usedBytes + MEBIBYTE)
  })

  test('a command that fills it is told so by its own system', async () => {
    const filling = await container.open(['dd', 'if=/dev/zero', 'of=/fill', 'bs=64k'])
    expect(await text(filling.stderr)).toContain('No space left on device')
    // Podman has no place to write the exit code down.
    expect(await filling.ended.catch((error: unknown) => error)).toEqual(
      name === 'podman' ? expect.objectContaining({ code: 'HOST_REFUSED' }) : 1,
    )
  })

  test('what needs no space goes on', async () => {
    expect(await container.inspect()).toMatchObject({ status: 'running' })
    expect(await names(runtime)).toEqual([container.name, other.name])
    expect(await runtime.images.inspect(IMAGE)).toMatchObject({ references: [expect.stringContaining(IMAGE)] })
  })

  test('what needs space is refused with the same code, and leaves nothing', async () => {
    const images = await listImages(runtime)
    const calls: Calls = {
      copyIn: async () => await container.copyIn(Readable.from([await archiveOf('x:y', 1)]), '/tmp'),
      commit: () => container.commit(`${MARK}-commit:latest`),
      load: async () => await runtime.images.load(Readable.from([await archiveOf(`${MARK}-small:latest`, 1)])),
      create: () => runtime.containers.create({ image: IMAGE, name: `${MARK}-new`, network: 'none' }),
      run: () => runtime.containers.run({ image: IMAGE, name: `${MARK}-new`, network: 'none' }),
    }
    for (const begin of Object.values(calls)) await expect(begin({})).rejects.toMatchObject(FULL)
    expect(await listImages(runtime)).toEqual(images)
    expect(await names(runtime)).toEqual([container.name, other.name])
  })

  test('a container can be ended, and by Docker removed', async () => {
    const removing = other.remove({ force: true })
    // Podman writes its list of layers anew before it removes one.
    if (name === 'podman') await expect(removing).rejects.toMatchObject(FULL)
    else await removing
    // Whether Podman lists it after that is chance; it is gone when there is space again.
    expect((await names(runtime)).filter((each) => each !== other.name || name === 'docker')).toEqual([container.name])
  })

  test('it goes on when there is space again', async () => {
    await container.kill('SIGUSR1')
    // Nothing that was refused has left anything.
    await expect.poll(() => engine.usedBytes(), { timeout: 10_000 }).toBeLessThan(usedBytes + MEBIBYTE)
    await other.remove({ force: true })
    await container.copyIn('/bin/busybox', '/tmp')
    await container.commit(`${MARK}-commit:latest`)
    await using made = await runtime.containers.run({ image: `${MARK}-commit:latest`, name: `${MARK}-new`, network: 'none' })
    expect(await made.exec(['/tmp/busybox', 'echo', 'again'])).toMatchObject({ exitCode: 0, stdout: 'again\n' })
    await container.remove({ force: true })
    expect(await names(runtime)).toEqual([made.name])
  })
})

async function names({ containers }: RootlessRuntime): Promise<readonly string[]> {
  return (await containers.list()).map(({ name }) => name).toSorted()
}

/** An archive of busybox and so many MiB that cannot be compressed. */
async function archiveOf(reference: string, mebibytes: number): Promise<Uint8Array> {
  const content = Buffer.concat(Array.from({ length: mebibytes * 16 }, () => crypto.getRandomValues(new Uint8Array(65_536))))
  const files = mebibytes === 0 ? [] : [{ header: { name: 'ballast' }, content }]
  return await toDockerArchive(await buildTestImage(readFileSync('/bin/busybox'), {}, files), reference)
}

async function listImages({ images }: RootlessRuntime): Promise<readonly string[]> {
  return (await images.list()).map(({ id }) => id)
}
