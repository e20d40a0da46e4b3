import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLocalSystem } from '../src/index.ts'
import { toActorCommand } from '../src/setup/as-actor.ts'
import { applySetup } from '../src/setup/apply-setup.ts'
import { planSetup } from '../src/setup/plan-setup.ts'
import { readSetupState } from '../src/setup/read-setup-state.ts'
import { readSupervisor } from '../src/setup/read-supervisor.ts'
import type { SetupPlan, SetupStepId, SetupUser } from '../src/setup/setup-plan.ts'
import { stopSetup } from '../src/setup/stop-setup.ts'
import { SUPERVISOR_SCRIPT } from '../src/setup/supervisor-script.ts'
import { toUserPlaces } from '../src/setup/user-places.ts'

const NAME = 'rrsetuptest'
const isRoot = process.getuid?.() === 0
const hasTools = ['useradd', 'userdel', 'setpriv', 'setsid', 'flock', 'bash'].every(
  (tool) => spawnSync('which', [tool]).status === 0,
)
const hasSystemd = existsSync('/run/systemd/system')
const canRun = isRoot && hasTools && !hasSystemd
if (!canRun)
  console.warn(
    'SKIPPED setup-live: it makes a temporary user, for which it needs root, useradd, setpriv, setsid and flock, and no systemd',
  )

const system = createLocalSystem()

// Only steps that touch nothing but the temporary user.
const OWN_STEPS: ReadonlySet<SetupStepId> = new Set([
  'user',
  'runtime-directory',
  'passable-home',
  'storage-conf',
  'containers-conf',
])

async function readPlan(): Promise<SetupPlan> {
  const plan = planSetup(await readSetupState(system, { userName: NAME, engines: ['docker', 'podman', 'lxc'] }))
  return { ...plan, steps: plan.steps.filter(({ id }) => OWN_STEPS.has(id)) }
}

function runAsUser(user: SetupUser, command: readonly string[]) {
  const [file, ...words] = toActorCommand(command, 'user', user, true)
  return spawnSync(file, words, { encoding: 'utf8' })
}

async function waitUntil(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 150; attempt += 1) {
    if (await isTrue()) return
    await sleep(100)
  }
  throw new Error(`15 s were not enough until ${what}`)
}

/** The process ids of the fake daemon, oldest first. */
function readStarted(user: SetupUser): readonly string[] {
  const file = `${user.home}/started`
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
}

function startSupervisor(user: SetupUser) {
  return runAsUser(user, ['env', `PATH=${user.home}/bin:/usr/bin:/bin`, 'sh', toUserPlaces(user).supervisorScript, 'start'])
}

describe.skipIf(!canRun)('setup on this machine, for a temporary user', { timeout: 60_000 }, () => {
  let user: SetupUser = { name: NAME, uid: 0, gid: 0, home: '/nonexistent' }
  const started = () => readStarted(user)
  const start = () => startSupervisor(user)

  beforeAll(async () => {
    const plan = await readPlan()
    user = plan.user
    await applySetup(system, plan)
  }, 60_000)

  afterAll(async () => {
    if (user.uid === 0) return
    try {
      await stopSetup(system, NAME)
    } finally {
      rmSync(toUserPlaces(user).runtimeDirectory, { recursive: true, force: true })
      execFileSync('userdel', ['--remove', NAME], { stdio: 'ignore' })
    }
  }, 60_000)

  test('made the user with the very ids of the plan', () => {
    expect(execFileSync('getent', ['passwd', NAME], { encoding: 'utf8' })).toContain(`${NAME}:x:${user.uid}:${user.gid}:`)
  })

  test('wrote files that belong to the user, and opened the way through the home folder', async () => {
    const status = lstatSync(toUserPlaces(user).storageConf)
    expect([status.uid, status.gid, status.mode & 0o777]).toEqual([user.uid, user.gid, 0o644])
    expect(lstatSync(user.home).mode & 0o001).toBe(1)
    expect(lstatSync(toUserPlaces(user).runtimeDirectory).mode & 0o777).toBe(0o700)
  })

  test('has nothing left to do the second time', async () => {
    expect((await readPlan()).steps.filter(({ state }) => state !== 'done')).toEqual([])
  })

  test('does not follow a link of the user out of the home folder', async () => {
    const place = '/etc/rrsetuptest-must-not-exist'
    rmSync(`${user.home}/.config/containers`, { recursive: true })
    symlinkSync('/etc', `${user.home}/.config/containers`)
    const step = { id: 'storage-conf', title: 't', why: 'w', needsRoot: false, undo: 'u', state: 'needed' } as const
    const path = `${user.home}/.config/containers/rrsetuptest-must-not-exist`
    const write = { kind: 'write-file', as: 'user', path, content: 'x\n', mode: 0o644 } as const
    const plan: SetupPlan = {
      supportedDistribution: true,
      engines: ['podman'],
      user,
      systemd: false,
      steps: [{ ...step, actions: [write] }],
    }
    await expect(applySetup(system, plan)).rejects.toThrow(/Permission denied/u)
    expect(existsSync(place)).toBe(false)
  })

  describe('the supervisor, with a daemon that is a fake', () => {
    beforeAll(() => {
      const { supervisorScript } = toUserPlaces(user)
      const fake = '#!/bin/sh\necho $$ >>"$HOME/started"\nexec sleep 1000\n'
      for (const [path, text] of [
        [supervisorScript, SUPERVISOR_SCRIPT],
        [`${user.home}/bin/dockerd-rootless.sh`, fake],
      ] as const) {
        mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true })
        writeFileSync(path, text, { mode: 0o755 })
      }
      execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, user.home])
    })

    test('goes into the background, once, and holds no terminal and no open file but its own', async () => {
      expect(start()).toMatchObject({ status: 0, stdout: '', stderr: '' })
      await waitUntil('the fake daemon ran', () => started().length === 1)
      expect(start().status).toBe(0)
      const pid = await readSupervisor(system, user)
      expect(pid).not.toBeNull()
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      expect({ session: fields[3], terminal: fields[4] }).toEqual({ session: String(pid), terminal: '0' })
      const files = execFileSync('sh', ['-c', 'for file in /proc/$1/fd/*; do readlink "$file"; done', 'sh', String(pid)], {
        encoding: 'utf8',
      })
      expect(files.split('\n').filter((file) => /^(pipe|socket|\/dev\/(pts|tty))/u.test(file))).toEqual([])
      expect(started()).toHaveLength(1)
    })

    test('starts the daemon again when it is killed, each time later', async () => {
      for (const count of [2, 3]) {
        process.kill(Number(started().at(-1)), 'SIGKILL')
        await waitUntil(`the daemon ran ${count} times`, () => started().length === count)
      }
      const log = readFileSync(toUserPlaces(user).dockerLog, 'utf8')
      expect(log).toMatch(/ended with 137 after \d+ s; starting it again in 1 s/u)
      expect(log).toMatch(/ended with 137 after \d+ s; starting it again in 2 s/u)
    })

    test('waits no longer when it is started once more', async () => {
      const count = started().length
      process.kill(Number(started().at(-1)), 'SIGKILL')
      await waitUntil('it waits 4 s', () => readFileSync(toUserPlaces(user).dockerLog, 'utf8').includes('again in 4 s'))
      const beganMs = performance.now()
      expect(start().status).toBe(0)
      await waitUntil('the daemon runs again', () => started().length === count + 1)
      expect(performance.now() - beganMs).toBeLessThan(3500)
    })

    test('takes the daemon with it when it is killed itself, and can be started again', async () => {
      const pid = await readSupervisor(system, user)
      process.kill(Number(pid), 'SIGKILL')
      const daemon = Number(started().at(-1))
      await waitUntil('the daemon is gone', () => !isAlive(daemon))
      expect(await readSupervisor(system, user)).toBeNull()
      const count = started().length
      expect(start().status).toBe(0)
      await waitUntil('the daemon runs again', () => started().length === count + 1)
    })

    test('is not believed when its pid file names another process', async () => {
      const { supervisorPidFile } = toUserPlaces(user)
      const text = readFileSync(supervisorPidFile, 'utf8')
      for (const other of ['1\n', `${process.pid}\n`, '-1\n', '1 2\n', 'x', '', '9'.repeat(100)]) {
        writeFileSync(supervisorPidFile, other)
        expect(await readSupervisor(system, user)).toBeNull()
      }
      writeFileSync(supervisorPidFile, text)
      expect(await readSupervisor(system, user)).toBe(Number(text))
    })

    test('ends with its daemon when it is stopped, and leaves no process', async () => {
      const daemon = Number(started().at(-1))
      expect((await stopSetup(system, NAME)).stopped).toHaveLength(1)
      expect(isAlive(daemon)).toBe(false)
      expect(existsSync(toUserPlaces(user).supervisorPidFile)).toBe(false)
      expect((await stopSetup(system, NAME)).stopped).toEqual([])
    })

    test('keeps one old log, once it is larger than 10 MiB', async () => {
      const { dockerLog } = toUserPlaces(user)
      writeFileSync(dockerLog, Buffer.alloc(10 * 1024 * 1024 + 1, 'x'))
      const count = started().length
      expect(start().status).toBe(0)
      await waitUntil('the daemon runs again', () => started().length === count + 1)
      expect(lstatSync(`${dockerLog}.1`).size).toBe(10 * 1024 * 1024 + 1)
      expect(lstatSync(dockerLog).size).toBeLessThan(1000)
    })
  })
})

function isAlive(pid: number): boolean {
  const stat = `/proc/${pid}/stat`
  return existsSync(stat) && !readFileSync(stat, 'utf8').includes(') Z ')
}
