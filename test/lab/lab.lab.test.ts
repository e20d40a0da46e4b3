import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LabError } from './lab-error.ts'
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

/** The folders of machines that qemu processes of now were started with. */
function listMachines(): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      const monitor = /unix:(\/[^,]*\/lab-[^,/]*)\/monitor/u.exec(words)?.[1]
      return monitor === undefined ? [] : [monitor]
    } catch {
      return []
    }
  })
}

test('two guests of one frozen state are apart, pass streams and exit codes through, and keep nothing', async () => {
  const before = listMachines()
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
    expect(listMachines().length).toBe(before.length + 2)
    const started = performance.now()
    await expect(one.run('sleep 60', { timeoutMs: 2000 })).rejects.toThrow(/no end within 2 s/u)
    expect(performance.now() - started).toBeLessThan(10_000)
  }
  expect(listMachines()).toEqual(before)
})

test('a guest ends with its owner, even one that was killed', async () => {
  const before = listMachines()
  const owner = spawn(process.execPath, [join(import.meta.dirname, 'lab.ts'), 'start', `${release}-${configuration}`], {
    stdio: 'ignore',
  })
  expect(await eventually(() => listRunning().length > 0, 120_000)).toBe(true)
  expect(listMachines().length).toBe(before.length + 1)
  owner.kill('SIGKILL')
  expect(await eventually(() => listMachines().length === before.length, 5000)).toBe(true)
  expect(listRunning()).toEqual([])
})

test('a guest that never boots is ended, and the tail of its console is shown', async () => {
  const before = listMachines()
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
  expect(listMachines()).toEqual(before)
  expect(before.every((folder) => existsSync(folder))).toBe(true)
})
