import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { chooseAccelerator } from './machine.ts'
import { LabError } from './lab-error.ts'
import { startMachine } from './qemu.ts'
import { listRunning } from './running.ts'
import { startGuest } from './start-guest.ts'

// The lab's own promises, on a real guest: throwaway, apart, gone with its owner, and honest when it does not come up.

const release = 'bookworm'
const configuration = 'default'

async function eventually(look: () => boolean, patienceMs: number): Promise<boolean> {
  const started = performance.now()
  while (!look()) {
    if (performance.now() - started > patienceMs) return false
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return true
}

interface Machine {
  readonly folder: string
  readonly parent: number
}

/** The machines that qemu processes of now are; others may have theirs on this host. */
function listMachines(): readonly Machine[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      const folder = /unix:(\/[^,]*\/lab-[^,/]*)\/monitor/u.exec(words)?.[1]
      const parent = /^PPid:\s*(\d+)$/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      return folder === undefined ? [] : [{ folder, parent: Number(parent) }]
    } catch {
      return []
    }
  })
}

function foldersOf(owner: number | undefined): readonly string[] {
  return listMachines().flatMap(({ folder, parent }) => (parent === owner ? [folder] : []))
}

test('two guests of one frozen state are apart, pass streams and exit codes through, and keep nothing', async () => {
  const before = foldersOf(process.pid)
  {
    await using one = await startGuest({ release, configuration })
    await using two = await startGuest({ release, configuration })
    await one.must('echo mine >/project/file; sync')
    expect(await two.run('cat /project/file')).toMatchObject({ exitCode: 1 })
    expect(await one.run('cat; echo out; echo err >&2; exit 7', { input: 'in ' })).toEqual({
      exitCode: 7,
      stdout: 'in out\n',
      stderr: 'err\n',
    })
    const drift = Math.abs(Number(await one.must('date +%s')) - Date.now() / 1000)
    expect(drift).toBeLessThan(5)
    expect(foldersOf(process.pid).length).toBe(before.length + 2)
    const started = performance.now()
    await expect(one.run('sleep 60', { timeoutMs: 2000 })).rejects.toThrow(/no end within 2 s/u)
    expect(performance.now() - started).toBeLessThan(10_000)
  }
  expect(foldersOf(process.pid)).toEqual(before)
})

test('a guest ends with its owner, even one that was killed', async () => {
  const owner = spawn(process.execPath, [join(import.meta.dirname, 'lab.ts'), 'start', `${release}-${configuration}`], {
    stdio: 'ignore',
  })
  const isListed = (): boolean => listRunning().some((running) => running.owner === owner.pid)
  expect(await eventually(isListed, 120_000)).toBe(true)
  const [folder] = foldersOf(owner.pid)
  expect(folder).toBeDefined()
  owner.kill('SIGKILL')
  expect(await eventually(() => !listMachines().some((machine) => machine.folder === folder), 5000)).toBe(true)
  expect(isListed()).toBe(false)
})

test('a guest that never boots is ended, and the tail of its console is shown', async () => {
  const before = foldersOf(process.pid)
  const attempt = startGuest({
    release,
    configuration,
    frozen: false,
    kernelParameters: ['systemd.mask=ssh.service', 'systemd.show_status=1'],
    bootTimeoutMs: 40_000,
  })
  const error: unknown = await attempt.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(LabError)
  expect(error).toMatchObject({
    message: expect.stringMatching(/did not answer within 40 s/u),
    nextStep: expect.stringMatching(/console:\n[^]*\w/u),
  })
  expect(foldersOf(process.pid)).toEqual(before)
  expect(before.every((folder) => existsSync(folder))).toBe(true)
})

describe('a lab that cannot go on says so, with the next step, and leaves nothing behind:', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lab-cannot-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** `lab build` with an empty cache, as `$@` of a script of sh. Nothing is built: each of these ends before. */
  const build = (script: string) => {
    const words = ['-ec', script, 'build', process.execPath, join(import.meta.dirname, 'lab.ts'), 'build', 'bookworm']
    return spawnSync('sh', words, { encoding: 'utf8', env: { ...process.env, LAB_CACHE: folder } })
  }
  const listEntries = (): readonly string[] => readdirSync(folder).filter((name) => !/^key|\.lock$/u.test(name))

  test('no disk space', () => {
    const inside = 'mount -t tmpfs -o size=64m none "$LAB_CACHE" && exec "$@"'
    const { status, stderr } = build(`exec unshare --mount --propagation private sh -ec '${inside}' sh "$@"`)
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(
        /has 0\.1 GiB free; this needs 4\.0 GiB\nNext: pnpm lab clean, or another place in LAB_CACHE/u,
      ),
    })
    expect(listEntries()).toEqual([])
  })

  test('no root', () => {
    // A user namespace without a map: its one process is nobody, and the files are still those of their owner.
    const { status, stderr } = build('exec unshare --user "$@"')
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(/building a guest needs root \(running one does not\)\nNext: sudo pnpm lab build/u),
    })
    expect(listEntries()).toEqual([])
  })

  test('a port that another program has', async () => {
    const disk = join(folder, 'disk')
    writeFileSync(disk, '')
    truncateSync(disk, 1024 * 1024)
    const before = foldersOf(process.pid)
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const options = {
      imageFolder: folder,
      disk: { file: disk, format: 'raw', keepWrites: false },
      kernelParameters: [],
      accelerator: chooseAccelerator(),
    } as const
    const machine = await startMachine(options, port)
    try {
      await expect
        .poll(() => tellEnd(machine.requireRunning), { timeout: 10_000 })
        .toMatchObject({
          message: expect.stringMatching(/qemu ended:\n[^]*host forwarding rule/u),
          nextStep: `try again: another program has taken port ${port}`,
        })
    } finally {
      await machine.stop()
      server.close()
    }
    expect(foldersOf(process.pid)).toEqual(before)
    expect(existsSync(machine.folder)).toBe(false)
  })
})

function tellEnd(look: () => void): unknown {
  try {
    return look()
  } catch (error) {
    return error
  }
}
