import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once as onceEvent } from 'node:events'
import { createServer } from 'node:http'
import { existsSync, lstatSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { ImageProgress } from '@rootless-runtime/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLxcRootfs } from '../src/lxc-rootfs.ts'
import { createLxcStore } from '../src/lxc-store.ts'
import { imagePathsOf } from '../src/lxc-image-store.ts'
import { runMapped, withOwnIds } from '../src/lxc-mapped.ts'
import { buildRootfs, file, folder, link, once, openLiveLxc, say, type LiveLxc } from './lxc-live.ts'

let lxc: LiveLxc

beforeAll(async () => {
  lxc = await openLiveLxc()
})

afterAll(async () => {
  await lxc[Symbol.asyncDispose]()
})

/** Nothing half-made: no work, and of images those alone. */
function listStore(): readonly string[] {
  return [...readdirSync(lxc.store.workFolder), ...readdirSync(lxc.store.imagesFolder)].toSorted()
}

/** A registry with one image, of one layer. */
async function openRegistry(rootfs: Uint8Array): Promise<{ readonly address: string; close(): void }> {
  const digest = (content: Uint8Array | string): string => `sha256:${createHash('sha256').update(content).digest('hex')}`
  const config = JSON.stringify({ os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [digest(rootfs)] } })
  const type = 'application/vnd.oci.image.manifest.v1+json'
  const describeBlob = (content: Uint8Array | string, mediaType: string): object => ({
    mediaType,
    digest: digest(content),
    size: Buffer.byteLength(content),
  })
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    config: describeBlob(config, 'application/vnd.oci.image.config.v1+json'),
    layers: [describeBlob(rootfs, 'application/vnd.oci.image.layer.v1.tar')],
  })
  const answers = new Map<string, Uint8Array | string>([
    ['/v2/team/app/manifests/1', manifest],
    [`/v2/team/app/blobs/${digest(config)}`, config],
    [`/v2/team/app/blobs/${digest(rootfs)}`, rootfs],
  ])
  const server = createServer((request, response) => {
    const content = answers.get(request.url ?? '')
    if (content === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': type }).end(content)
  }).listen(0, '127.0.0.1')
  await onceEvent(server, 'listening')
  const given = server.address()
  const close = (): void => {
    server.closeAllConnections()
    server.close()
  }
  return { address: `127.0.0.1:${typeof given === 'object' && given !== null ? given.port : 0}`, close }
}

describe('the store', () => {
  test('files of an image belong to the mapped ids, and this process may not write there', async () => {
    const { rootfs } = imagePathsOf(lxc.store, lxc.image.id)
    const [map] = lxc.facts.config.idMaps
    expect(statSync(rootfs).uid).toBe(map?.outside)
    expect(() => writeFileSync(join(rootfs, 'mine'), '')).toThrow('EACCES')
  })

  test('ten processes that load the same image at once leave one, and it is whole', async () => {
    const archive = join(lxc.store.root, 'together.tar')
    writeFileSync(archive, await buildRootfs([file('together', 'ten of us')]))
    const before = listStore()
    const program = join(import.meta.dirname, 'lxc-load-image.ts')
    const load = (): Promise<{ readonly stdout: string }> =>
      promisify(execFile)(process.execPath, ['--conditions=@rootless-runtime/source', program, archive], {
        env: { ...process.env, XDG_DATA_HOME: lxc.machine.environment['XDG_DATA_HOME'] },
      })
    const ids = (await Promise.all(Array.from({ length: 10 }, load))).map(({ stdout }) => stdout)
    expect(new Set(ids).size).toBe(1)
    expect(listStore()).toEqual([...before, ids[0]?.replace('sha256:', '')].toSorted())
    const ended = await lxc.runtime.containers.runToEnd({
      image: 'live-together',
      network: 'none',
      command: ['/bin/cat', '/together'],
    })
    expect(ended.stdout).toBe('ten of us')
    await lxc.images.remove('live-together')
    expect(listStore()).toEqual(before)
  })

  test('what a dead process left half-made is removed, and what a living one builds is not', async () => {
    const maps = withOwnIds(lxc.facts.config.idMaps, lxc.machine.user)
    const [left, kept] = [join(lxc.store.workFolder, '4194305-left'), join(lxc.store.workFolder, `${process.pid}-kept`)]
    await runMapped(lxc.machine, maps, ['install', '-d', '-o', '0', '-g', '0', left, join(left, 'deep'), kept])
    await createLxcStore(lxc.door).prepare()
    expect(readdirSync(lxc.store.workFolder)).toEqual([`${process.pid}-kept`])
    await lxc.store.removeTree(kept)
  })

  test('an owner that no map holds is IMAGE_INVALID and names the file, and nothing is left', async () => {
    const before = listStore()
    const rootfs = await buildRootfs([{ header: { name: 'far', type: 'file', uid: 70_000, gid: 0, mode: 0o644 }, content: '' }])
    await expect(lxc.images.load(once(rootfs), { reference: 'live-far' })).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('far: Cannot change ownership to uid 70000'),
    })
    expect(listStore()).toEqual(before)
  })

  test('a process that is killed while it loads leaves nothing that the next one does not remove', async () => {
    const archive = join(lxc.store.root, 'killed.tar')
    writeFileSync(archive, await buildRootfs([file('big', new Uint8Array(64 * 1024 * 1024))]))
    const before = listStore()
    const program = join(import.meta.dirname, 'lxc-load-image.ts')
    const loading = spawn(process.execPath, ['--conditions=@rootless-runtime/source', program, archive], {
      env: { ...process.env, XDG_DATA_HOME: lxc.machine.environment['XDG_DATA_HOME'] },
      detached: true,
    })
    while (!readdirSync(lxc.store.workFolder).some((name) => existsSync(join(lxc.store.workFolder, name, 'rootfs'))))
      await sleep(5)
    process.kill(-(loading.pid ?? 0), 'SIGKILL')
    await onceEvent(loading, 'close')
    expect(listStore().length).toBeGreaterThan(before.length)
    await createLxcStore(lxc.door).prepare()
    expect(listStore()).toEqual(before)
  })

  test('an image is pulled from a registry, and runs', async () => {
    const registry = await openRegistry(await buildRootfs([file('pulled', 'from afar')]))
    const seen: number[] = []
    const reference = `${registry.address}/team/app:1`
    const onProgress = ({ phase, bytes }: ImageProgress): void => void (phase === 'pulling' && seen.push(bytes))
    const image = await lxc.images.pull(reference, { insecure: true, onProgress })
    expect(image.references).toEqual([reference])
    expect(seen.length).toBeGreaterThan(0)
    const ended = await lxc.runtime.containers.runToEnd({ image: reference, network: 'none', command: ['/bin/cat', '/pulled'] })
    expect(ended.stdout).toBe('from afar')
    await lxc.images.remove(reference)
    const missing = lxc.images.pull(`${registry.address}/team/nothing`, { insecure: true })
    await expect(missing).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    registry.close()
    expect(readdirSync(lxc.store.workFolder)).toEqual([])
  })

  test('an abort while an image is unpacked leaves nothing', async () => {
    const before = listStore()
    const rootfs = await buildRootfs([file('big', new Uint8Array(8 * 1024 * 1024))])
    const stop = new AbortController()
    const onProgress = ({ phase }: { readonly phase: string }): void => void (phase === 'loading' && stop.abort())
    const loading = lxc.images.load(once(rootfs), { reference: 'live-aborted', signal: stop.signal, onProgress })
    await expect(loading).rejects.toMatchObject({ code: 'ABORTED' })
    expect(listStore()).toEqual(before)
  })
})

describe('root file systems', () => {
  test('an image of one program alone runs', async () => {
    const bare = await buildRootfs()
    await lxc.images.load(once(bare), { reference: 'live-bare' })
    const ended = await lxc.runtime.containers.runToEnd({ image: 'live-bare', command: ['/bin/ls', '/', '/etc'] })
    expect(ended).toMatchObject({ exitCode: 0, stdout: '/:\nbin\ndev\netc\nproc\nsys\n\n/etc:\nhostname\nhosts\nresolv.conf\n' })
    await lxc.images.remove('live-bare')
  })

  test('a folder of the image can be removed and made again, and is empty', async () => {
    const rootfs = await buildRootfs([folder('old'), file('old/content', '1')])
    await lxc.images.load(once(rootfs), { reference: 'live-old' })
    const container = await lxc.run({ image: 'live-old' })
    expect(await say(container, 'rm -r /old && mkdir /old && ls -A /old && echo empty')).toBe('empty\n')
    await container.remove({ force: true })
    await lxc.images.remove('live-old')
  })

  test('links of a hostile image lead no mount, no file of ours and no copy out of the container', async () => {
    const outside = join(lxc.store.root, 'outside')
    mkdirSync(outside, { mode: 0o777 })
    const hostile = [link('etc', '/../../../..'), link('data', outside), link('run', `../../../../../../../..${outside}`)]
    // A link above the root is refused by the reader; what it lets pass is led back into the root.
    await expect(lxc.images.load(once(await buildRootfs(hostile)), { reference: 'live-hostile' })).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
    })
    const allowed = [link('etc', outside), link('data', outside)]
    await lxc.images.load(once(await buildRootfs(allowed)), { reference: 'live-hostile' })
    const mounts = [
      { source: lxc.store.root, target: '/data/deep' },
      { kind: 'tmpfs', target: '/data/memory' },
    ] as const
    const container = await lxc.run({ image: 'live-hostile', mounts, secrets: { word: 'x' } })
    expect(await say(container, 'cat /etc/hostname; ls /data')).toContain(container.id.slice(0, 12))
    await container.copyIn(once(await buildRootfs()), '/data')
    expect(readdirSync(outside)).toEqual([])
    await container.remove({ force: true })
    await lxc.images.remove('live-hostile')
  })

  test('without an overlay the root is a copy, which does all that an overlay does', async () => {
    const door = { ...lxc.door, version: async () => '4.0.6' }
    const store = createLxcStore(door)
    const rootfs = createLxcRootfs(door, store, 20_000)
    const [id, { idMaps }] = ['rrycopy', lxc.facts.config]
    const containerFolder = store.containerFolder(id)
    mkdirSync(containerFolder, { mode: 0o711 })
    const request = { imageId: lxc.image.id, containerFolder, readOnlyRoot: true, idMaps }
    expect(await rootfs.make(request, {})).toEqual([`lxc.rootfs.path = dir:${containerFolder}/rootfs`, 'lxc.rootfs.options = ro'])
    const container = { id, containerFolder, imageId: lxc.image.id, idMaps, pid: null }
    await rootfs.copyIn(container, once(await buildRootfs([file('copied', 'in')])), '/etc', {})
    expect(await rootfs.readText(containerFolder, '/etc/copied')).toBe('in')
    expect((await buffer(await rootfs.copyOut(container, '/etc/copied', {}))).toString()).toContain('in')
    const committed = await rootfs.commit(container, 'live-copy', {})
    await rootfs.remove(containerFolder)
    expect(readdirSync(containerFolder)).toEqual([])
    await store.removeTree(containerFolder)
    const ended = await lxc.runtime.containers.runToEnd({
      image: committed,
      network: 'none',
      command: ['/bin/cat', '/etc/copied'],
    })
    expect(ended.stdout).toBe('in')
    await lxc.images.remove('live-copy')
  })

  test("with owner: 'me' the image's other files keep their owners, modes and setuid bits", async () => {
    const files = [folder('home/app', 0o700, 1000), file('bin/setuid', 'x', 0o4755)]
    await lxc.images.load(once(await buildRootfs(files)), { reference: 'live-owned', config: { user: '1000:1000' } })
    const source = join(lxc.store.root, 'mine')
    mkdirSync(source, { mode: 0o700 })
    const mounts = [{ source, target: '/data', access: 'rw', owner: 'me' }] as const
    for (const user of ['0:0', '1000:1000']) {
      const container = await lxc.run({ image: 'live-owned', mounts, user })
      const shown = await say(container, 'stat -c "%u:%g %a" /bin/busybox /home/app /bin/setuid; touch /data/$(id -u)')
      expect(shown).toBe('0:0 755\n1000:1000 700\n0:0 4755\n')
      await container.remove({ force: true })
    }
    const { uid, gid } = lxc.machine.user
    expect(
      readdirSync(source).map((name) => [name, lstatSync(join(source, name)).uid, lstatSync(join(source, name)).gid]),
    ).toEqual([
      ['0', uid, gid],
      ['1000', uid, gid],
    ])
    await lxc.images.remove('live-owned')
  })
})
