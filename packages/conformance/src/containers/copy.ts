import { Readable } from 'node:stream'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import { collectTar } from './collect.ts'
import { expectCode } from './expect-code.ts'
import { buildTar, file } from './test-image.ts'

const ODD_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte)

/** Files in and out, and images made of containers. */
export const COPY = {
  'copy-in-file': behaviour('a file of the host is copied into a folder inside, owned by its root', async (bench) => {
    const container = await bench.run()
    const source = `${bench.folder}/${bench.name()}.txt`
    await bench.machine.files.write(source, 'copied\n', { mode: 0o640 })
    await container.copyIn(source, '/tmp')
    const name = source.split('/').at(-1)
    expect(await container.exec(['sh', '-c', `cat /tmp/${name}; stat -c '%u:%g %a' /tmp/${name}`])).toMatchObject({
      stdout: 'copied\n0:0 640\n',
    })
  }),
  'copy-in-folder': behaviour('a folder of the host is copied with everything in it', async (bench) => {
    const container = await bench.run()
    const name = bench.name()
    const source = `${bench.folder}/${name}`
    await bench.machine.files.makeDirectory(`${source}/deep/er`)
    await bench.machine.files.write(`${source}/one`, '1')
    await bench.machine.files.write(`${source}/deep/er/two`, '2')
    await container.copyIn(source, '/tmp')
    expect(await container.exec(['sh', '-c', `cat /tmp/${name}/one /tmp/${name}/deep/er/two`])).toMatchObject({ stdout: '12' })
  }),
  'copy-in-tar': behaviour('a tar stream is unpacked in a folder inside, byte by byte', async (bench) => {
    const container = await bench.run()
    const tar = await buildTar([file('in/bytes', ODD_BYTES, 0o600), file('in/run.sh', '#!/bin/sh\necho ran\n', 0o755)])
    await container.copyIn(Readable.from([tar]), '/tmp')
    expect(await container.exec(['/tmp/in/run.sh'])).toMatchObject({ exitCode: 0, stdout: 'ran\n' })
    expect(await container.exec(['stat', '-c', '%s %a', '/tmp/in/bytes'])).toMatchObject({ stdout: '256 600\n' })
  }),
  'copy-in-no-folder': behaviour('copying into a folder that is not there is PATH_NOT_FOUND', async (bench) => {
    const container = await bench.run()
    const tar = await buildTar([file('a', 'a')])
    await expectCode('PATH_NOT_FOUND', container.copyIn(Readable.from([tar]), '/no/such/folder'))
    expect((await container.exec(['test', '-e', '/no'])).exitCode).toBe(1)
  }),
  'copy-in-no-source': behaviour('copying what is not there outside is INVALID_ARGUMENT', async (bench) => {
    const container = await bench.run()
    await expectCode('INVALID_ARGUMENT', container.copyIn(`${bench.folder}/no-such-file`, '/tmp'))
  }),
  'copy-in-climbing': behaviour('a tar that climbs out of its folder writes nothing outside of the container', async (bench) => {
    const container = await bench.run()
    const escaped = `${bench.mark}-copied-out`
    const tar = await buildTar([file(`../../../../../../tmp/${escaped}`, 'escaped')])
    await container.copyIn(Readable.from([tar]), '/srv').catch(() => null)
    expect(await bench.machine.status(`/tmp/${escaped}`)).toMatchObject({ status: 'absent' })
  }),
  'copy-in-through-link': behaviour('a link inside leads no copy out of the container', async (bench) => {
    const container = await bench.run()
    await container.exec(['ln', '-s', bench.folder, '/tmp/out'])
    const tar = await buildTar([file('followed', 'escaped')])
    await container.copyIn(Readable.from([tar]), '/tmp/out').catch(() => null)
    expect(await bench.machine.status(`${bench.folder}/followed`)).toMatchObject({ status: 'absent' })
  }),
  'copy-out-file': behaviour('a file inside is a tar stream of that file', async (bench) => {
    const entries = await collectTar(await (await bench.shared()).copyOut('/srv/index.html'))
    expect(entries.map(({ header }) => [header.name, header.type])).toEqual([['index.html', 'file']])
    expect(entries[0]?.content.toString()).toBe('served by busybox\n')
  }),
  'copy-out-folder': behaviour('a folder inside is a tar stream of everything in it', async (bench) => {
    const container = await bench.run()
    await container.exec([
      'sh',
      '-c',
      'mkdir -p /tmp/out/deep; echo 1 >/tmp/out/one; echo 2 >/tmp/out/deep/two; ln -s one /tmp/out/link',
    ])
    const entries = await collectTar(await container.copyOut('/tmp/out'))
    const names = entries.map(({ header }) => header.name.replace(/\/$/u, ''))
    expect(names[0]).toBe('out')
    expect(names.toSorted()).toEqual(['out', 'out/deep', 'out/deep/two', 'out/link', 'out/one'])
    expect(entries.find(({ header }) => header.name === 'out/link')?.header).toMatchObject({ type: 'symlink', linkname: 'one' })
  }),
  'copy-out-missing': behaviour('a path that is not there inside is PATH_NOT_FOUND', async (bench) => {
    await expectCode('PATH_NOT_FOUND', (await bench.shared()).copyOut('/no/such/file'))
  }),
  'copy-out-through-link': behaviour('a link inside leads no copy of the files of the host', async (bench) => {
    const container = await bench.run()
    const outside = `${bench.folder}/private.txt`
    await bench.machine.files.write(outside, 'private')
    await container.exec(['ln', '-s', bench.folder, '/tmp/out'])
    const entries = await container
      .copyOut('/tmp/out/private.txt')
      .then(collectTar)
      .catch(() => [])
    expect(entries.map(({ content }) => content.toString())).not.toContain('private')
  }),
  'copy-ended': behaviour('files go in and out of a container that has ended', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'echo result >/root/result'] })
    await container.wait()
    expect((await collectTar(await container.copyOut('/root/result')))[0]?.content.toString()).toBe('result\n')
    await container.copyIn(Readable.from([await buildTar([file('added', 'added\n')])]), '/root')
    expect((await collectTar(await container.copyOut('/root/added')))[0]?.content.toString()).toBe('added\n')
  }),
  'copy-not-started': behaviour('files can be put into a container before its start', async (bench) => {
    const container = await bench.create({ command: ['cat', '/root/given'] })
    await container.copyIn(Readable.from([await buildTar([file('given', 'given\n')])]), '/root')
    const process = await container.attach()
    await container.start()
    expect(String(await process.stdout.toArray())).toBe('given\n')
  }),
  'commit-run': behaviour('a container becomes an image that can be run', async (bench) => {
    const container = await bench.run({ command: ['sh', '-c', 'echo committed >/root/file; rm /srv/plain.txt'] })
    await container.wait()
    const reference = `${bench.mark}-commit:latest`
    const id = await container.commit(reference)
    expect((await bench.runtime.images.inspect(reference)).id).toBe(id)
    expect(await bench.say('cat /root/file; ls /srv; echo $IMAGE_SAYS', { image: reference })).toMatchObject({
      stdout: 'committed\nindex.html\nhello from the image\n',
    })
    await container.remove()
    await bench.runtime.images.remove(reference)
  }),
  'commit-running': behaviour('a running container can be committed, and goes on', async (bench) => {
    const container = await bench.run()
    const reference = `${bench.mark}-running:latest`
    await container.exec(['touch', '/root/now'])
    await container.commit(reference)
    expect((await container.inspect()).status).toBe('running')
    expect(await bench.say('ls /root', { image: reference })).toMatchObject({ stdout: 'now\n' })
    await bench.runtime.images.remove(reference)
  }),
}
