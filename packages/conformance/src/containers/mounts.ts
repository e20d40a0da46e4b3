import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import type { Bench } from './bench.ts'
import { expectCode } from './expect-code.ts'

/** A folder of the caller with one file in it. */
async function makeSource(bench: Bench): Promise<string> {
  const source = `${bench.folder}/${bench.name()}`
  await bench.machine.files.makeDirectory(source)
  await bench.machine.files.write(`${source}/file.txt`, 'from outside\n', { mode: 0o644 })
  return source
}

async function readOutside(bench: Bench, path: string): Promise<string | null> {
  const answer = await bench.machine.readText(path)
  return answer.status === 'ok' ? answer.value : null
}

/** Files and folders of the host, memory, and the root file system itself. */
export const MOUNTS = {
  'mount-read': behaviour('a folder of the host can be read inside', async (bench) => {
    const mounts = [{ source: await makeSource(bench), target: '/data' }]
    expect(await bench.say('cat /data/file.txt', { mounts })).toMatchObject({ stdout: 'from outside\n' })
  }),
  'mount-read-only': behaviour('a folder of the host cannot be written unless told', async (bench) => {
    const source = await makeSource(bench)
    const ran = await bench.say('echo changed >/data/file.txt || echo refused; touch /data/new || echo refused', {
      mounts: [{ source, target: '/data' }],
    })
    expect(ran.stdout).toBe('refused\nrefused\n')
    expect(await readOutside(bench, `${source}/file.txt`)).toBe('from outside\n')
  }),
  'mount-write-mine': behaviour('files made inside for me belong to me outside', async (bench) => {
    const source = await makeSource(bench)
    const mounts = [{ source, target: '/data', access: 'rw', owner: 'me' } as const]
    expect(await bench.say('echo made >/data/made.txt && mkdir /data/folder && echo ok', { mounts })).toMatchObject({
      stdout: 'ok\n',
    })
    expect(await readOutside(bench, `${source}/made.txt`)).toBe('made\n')
    const { uid, gid } = bench.machine.user
    for (const name of ['made.txt', 'folder']) {
      expect(await bench.machine.status(`${source}/${name}`)).toMatchObject({ status: 'ok', value: { uid, gid } })
    }
  }),
  'mount-change-mine': behaviour('files of mine can be changed and removed inside', async (bench) => {
    const source = await makeSource(bench)
    const mounts = [{ source, target: '/data', access: 'rw', owner: 'me' } as const]
    expect((await bench.say('echo more >>/data/file.txt', { mounts })).exitCode).toBe(0)
    expect(await readOutside(bench, `${source}/file.txt`)).toBe('from outside\nmore\n')
    expect((await bench.say('rm /data/file.txt', { mounts })).exitCode).toBe(0)
    expect(await bench.machine.status(`${source}/file.txt`)).toMatchObject({ status: 'absent' })
  }),
  'mount-file': behaviour('a single file of the host can be mounted', async (bench) => {
    const mounts = [{ source: `${await makeSource(bench)}/file.txt`, target: '/etc/own.conf' }]
    expect(await bench.say('cat /etc/own.conf; ls /etc | wc -l', { mounts })).toMatchObject({
      stdout: expect.stringMatching(/^from outside\n\s*(?:[3-9]|\d\d)/u),
    })
  }),
  'mount-odd-names': behaviour('paths may hold spaces, colons, commas and every script', async (bench) => {
    const source = `${await makeSource(bench)}/odd: name, "日本" x=y`
    await bench.machine.files.makeDirectory(source)
    await bench.machine.files.write(`${source}/f`, 'odd\n', { mode: 0o644 })
    const mounts = [{ source, target: '/data: more, "日本"' }]
    expect(await bench.say('cat "/data: more, \\"日本\\"/f"', { mounts })).toMatchObject({ stdout: 'odd\n' })
  }),
  'mount-deep-target': behaviour('a target inside that is not there is made', async (bench) => {
    const mounts = [{ source: await makeSource(bench), target: '/new/deep/place' }]
    expect(await bench.say('cat /new/deep/place/file.txt', { mounts })).toMatchObject({ stdout: 'from outside\n' })
  }),
  'mount-missing': behaviour('a source that is not there is MOUNT_NOT_FOUND, and is not made', async (bench) => {
    const source = `${bench.folder}/no-such-folder`
    await expectCode('MOUNT_NOT_FOUND', bench.run({ mounts: [{ source, target: '/data' }] }))
    expect(await bench.machine.status(source)).toMatchObject({ status: 'absent' })
    expect(await bench.left()).toEqual([])
  }),
  'mount-on-root': behaviour('a mount on / is INVALID_ARGUMENT', async (bench) => {
    const source = await makeSource(bench)
    for (const target of ['/', '//', '/./']) await expectCode('INVALID_ARGUMENT', bench.run({ mounts: [{ source, target }] }))
    expect(await bench.left()).toEqual([])
  }),
  'mount-relative': behaviour('a relative path is INVALID_ARGUMENT, inside and outside', async (bench) => {
    const source = await makeSource(bench)
    await expectCode('INVALID_ARGUMENT', bench.run({ mounts: [{ source, target: 'data' }] }))
    await expectCode('INVALID_ARGUMENT', bench.run({ mounts: [{ source: 'data', target: '/data' }] }))
    await expectCode('INVALID_ARGUMENT', bench.run({ mounts: [{ source, target: '/data/../../etc' }] }))
  }),
  'mount-twice': behaviour('two mounts at one place are INVALID_ARGUMENT', async (bench) => {
    const source = await makeSource(bench)
    const mounts = [
      { source, target: '/data' },
      { source, target: '/data/' },
    ]
    await expectCode('INVALID_ARGUMENT', bench.run({ mounts }))
  }),
  'mount-inspect': behaviour('inspect tells the mounts', async (bench) => {
    const source = await makeSource(bench)
    const container = await bench.create({ mounts: [{ source, target: '/data', access: 'ro' }] })
    expect((await container.inspect()).mounts).toMatchObject([{ source, target: '/data' }])
  }),
  'mount-tmpfs': behaviour('memory can be mounted, and is empty after a second start', async (bench) => {
    const script = 'ls /memory | wc -l; grep -c " /memory tmpfs " /proc/mounts; touch /memory/file'
    const container = await bench.run({ command: ['sh', '-c', script], mounts: [{ kind: 'tmpfs', target: '/memory' }] })
    await container.wait()
    await container.start()
    await container.wait()
    let text = ''
    for await (const { data } of container.logs()) text += Buffer.from(data).toString()
    expect(text.split(/\s+/u).filter(Boolean)).toEqual(['0', '1', '0', '1'])
  }),
  'mount-tmpfs-size': behaviour('memory that is mounted is as large as told', async (bench) => {
    const script =
      'head -c 900000 /dev/zero >/memory/fits && echo fits; head -c 3000000 /dev/zero >/memory/not 2>/dev/null || echo full'
    const ran = await bench.say(script, { mounts: [{ kind: 'tmpfs', target: '/memory', sizeBytes: 2 * 1024 * 1024 }] })
    expect(ran.stdout).toBe('fits\nfull\n')
  }),
  'root-read-only': behaviour('a read-only root refuses writes, and mounts on it take them', async (bench) => {
    const ran = await bench.say('touch /file || echo refused; touch /memory/file && echo taken', {
      readOnlyRoot: true,
      mounts: [{ kind: 'tmpfs', target: '/memory' }],
    })
    expect(ran.stdout).toBe('refused\ntaken\n')
  }),
  'root-own': behaviour('what a container writes is in no other container of its image', async (bench) => {
    expect((await bench.say('echo mine >/srv/index.html; echo more >/new')).exitCode).toBe(0)
    expect(await bench.say('cat /srv/index.html; ls /new 2>/dev/null || echo none')).toMatchObject({
      stdout: 'served by busybox\nnone\n',
    })
  }),
  'mount-no-socket': behaviour('no socket of an engine is inside unless it is mounted', async (bench) => {
    const { stdout } = await bench.say('find / -xdev -type s 2>/dev/null; ls /run /var/run 2>/dev/null | grep -c sock')
    expect(stdout.trim()).toBe('0')
  }),
}
