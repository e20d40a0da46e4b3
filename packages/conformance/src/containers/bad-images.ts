import { Readable } from 'node:stream'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import type { Bench } from './bench.ts'
import { expectCode } from './expect-code.ts'
import { buildTar, buildTestImage, file, toDockerArchive, toOciLayout, type TarFile, type TestImage } from './test-image.ts'

/** That an archive is refused, and that no image came of it. */
async function expectRefused(bench: Bench, archive: Uint8Array): Promise<void> {
  const { images } = bench.runtime
  const listed = async (): Promise<readonly string[]> => (await images.list()).flatMap(({ references }) => references).toSorted()
  const before = await listed()
  const error = await expectCode('IMAGE_INVALID', images.load(Readable.from([archive])))
  expect(error.message.length).toBeLessThan(1000)
  const added = (await listed()).filter((reference) => !before.includes(reference))
  expect(added.filter((reference) => reference.includes('suite-'))).toEqual([])
}

/** An archive whose only layer holds these files. */
async function archiveOf(bench: Bench, files: readonly TarFile[]): Promise<Uint8Array> {
  const image: TestImage = await buildTestImage(bench.busybox, {}, files)
  return toDockerArchive(image, `${bench.mark}-bad:latest`)
}

/** Archives that are no image, or a trap. */
export const BAD_IMAGES = {
  'bad-image-rubbish': behaviour('bytes that are no archive are IMAGE_INVALID', async (bench) => {
    await expectRefused(bench, Buffer.from('this is no archive\n'.repeat(1000)))
  }),
  'bad-image-empty': behaviour('an empty stream is IMAGE_INVALID', async (bench) => {
    await expectRefused(bench, Buffer.alloc(0))
  }),
  'bad-image-cut': behaviour('an archive that is cut is IMAGE_INVALID', async (bench) => {
    const whole = await toDockerArchive(bench.testImage, `${bench.mark}-cut:latest`)
    await expectRefused(bench, whole.subarray(0, Math.floor(whole.byteLength / 2)))
  }),
  'bad-image-digest': behaviour('a blob with another digest than its name is IMAGE_INVALID', async (bench) => {
    const files = [...toOciLayout(bench.testImage, `docker.io/library/${bench.mark}-digest:latest`)]
    const tampered = files.map(([path, content]) => {
      if (content !== bench.testImage.rootFileSystem) return file(path, content)
      const copy = Buffer.from(content)
      copy[600] = (copy[600] ?? 0) ^ 1
      return file(path, copy)
    })
    await expectRefused(bench, await buildTar(tampered))
  }),
  'bad-image-parent-path': behaviour('a layer that climbs out by ../ is IMAGE_INVALID, and writes nothing', async (bench) => {
    const escaped = `${bench.mark}-escaped`
    await expectRefused(bench, await archiveOf(bench, [file(`../../../../tmp/${escaped}`, 'escaped')]))
    expect(await bench.machine.status(`/tmp/${escaped}`)).toMatchObject({ status: 'absent' })
  }),
  'bad-image-link-escape': behaviour('a layer that writes through a link to outside writes nothing outside', async (bench) => {
    const escaped = `${bench.mark}-escaped-by-link`
    const link: TarFile = { header: { name: 'srv/out', type: 'symlink', linkname: '/tmp', mode: 0o777 } }
    const archive = await archiveOf(bench, [link, file(`srv/out/${escaped}`, 'escaped')])
    await bench.runtime.images.load(Readable.from([archive])).catch(() => [])
    expect(await bench.machine.status(`/tmp/${escaped}`)).toMatchObject({ status: 'absent' })
  }),
  'bad-image-device': behaviour('a layer with a device node is IMAGE_INVALID', async (bench) => {
    const device: TarFile = { header: { name: 'dev/sda', type: 'block-device', devmajor: 8, devminor: 0, mode: 0o666 } }
    await expectRefused(bench, await archiveOf(bench, [device]))
  }),
  'bad-image-manifest': behaviour('an archive whose manifest names files that are not there is IMAGE_INVALID', async (bench) => {
    const manifest = JSON.stringify([{ Config: 'no.json', RepoTags: [`${bench.mark}-none:latest`], Layers: ['no/layer.tar'] }])
    await expectRefused(bench, await buildTar([file('manifest.json', manifest)]))
  }),
}
