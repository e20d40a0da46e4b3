import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { DELEGATE_DROP_IN } from '../../../packages/host/src/setup/host-places.ts'
import { leaveOut } from '../../leave-out.ts'
import type { Guest, GuestEnded } from '../guest.ts'
import { RELEASES, toKindName, type Release } from '../releases.ts'
import { startGuest } from '../start-guest.ts'
import { ensurePackageSource } from './package-source.ts'
import { bringProject, OFFLINE_WORDS } from './project-source.ts'

// From a Debian with nothing but systemd and ssh to three engines that outlive a reboot. The tests of one release build on each
// other, in order; a guest that has no network gets its packages from a folder.

const DIST = join(import.meta.dirname, '../../../apps/compare/dist')
const SETUP = 'node /opt/cli/main.js setup --user moby'
/** The limits that every engine applies once all is delegated: bullseye's runc and crun know BFQ's weight of io alone. */
const LIMITS: Readonly<Record<Release, string>> = {
  bullseye: 'cpu+cpuset+memory+pids',
  bookworm: 'cpu+cpuset+io+memory+pids',
  trixie: 'cpu+cpuset+io+memory+pids',
}
const APT_TIMEOUT_MS = 840_000
const ENGINE_TIMEOUT_MS = 180_000
const START_TIMEOUT_MS = 600_000
const TEST_TIMEOUT_MS = 2_400_000
/** On one release: it takes as long as all else here. */
const TESTED_RELEASE: Release = 'bookworm'
/** The parts of the test command that depend on the host; an emulator would take hours for every container of the whole of it. */
const EMULATED_PARTS = 'unit live test/live/report.test.ts'
const README = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8')
/** What the README promises of a fresh clone. */
const [START, TEST] = [...README.matchAll(/^ {4}(npx -y pnpm@12 \w+) +#/gmu)].map(([, command]) => command)

const report = z.object({
  engines: z.array(z.object({ engine: z.string(), availability: z.object({ status: z.string() }) })),
})

// The runner names the guests; by hand it is the release that most have.
const guests = process.env['LAB_GUESTS']?.split(',') ?? ['bookworm-bare']
const releases = RELEASES.filter((release) => guests.includes(toKindName({ release, configuration: 'bare' })))

if (releases.length === 0) leaveOut('setup', `no bare guest is among ${guests.join(', ')}`)

describe.each(releases)('rootless setup on a bare %s', (release: Release) => {
  let guest: Guest
  let planText: string

  const asRoot = (line: string, timeoutMs = ENGINE_TIMEOUT_MS): Promise<GuestEnded> =>
    guest.run(line, { user: 'root', timeoutMs })
  const onProgress = (line: string): void => void process.stderr.write(`${line}\n`)
  const asMoby = (line: string): Promise<string> => guest.must(line, { timeoutMs: ENGINE_TIMEOUT_MS })

  const inClone = async (command: string, timeoutMs: number): Promise<GuestEnded> => {
    const started = performance.now()
    const ended = await guest.run(`cd ~/clone && ${OFFLINE_WORDS} ${command}`, { timeoutMs })
    onProgress(`${release}: ${command} took ${Math.round((performance.now() - started) / 1000)} s`)
    return ended
  }

  beforeAll(async () => {
    const packages = await ensurePackageSource(release, onProgress)
    guest = await startGuest({ release, configuration: 'bare', onProgress })
    await guest.send(packages, '/opt/packages', { user: 'root' })
    await guest.send(DIST, '/opt/cli', { user: 'root' })
    await guest.must("echo 'deb [trusted=yes] file:/opt/packages ./' >/etc/apt/sources.list", { user: 'root' })
  })
  afterAll(() => guest?.stop())

  test('there is no engine and no user at first', async () => {
    expect((await asRoot('command -v docker podman lxc-start')).exitCode).not.toBe(0)
    expect((await asRoot('getent passwd moby')).exitCode).toBe(2)
  })

  test('a dry run shows the plan and does nothing of it', async () => {
    const { exitCode, stdout, stderr } = await asRoot(`${SETUP} --dry-run`)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    planText = stdout
    expect(planText).toMatch(/to do +Install the engines/u)
    expect(planText).not.toMatch(/by hand/u)
    expect((await asRoot('getent passwd moby')).exitCode).toBe(2)
  })

  test('setup --yes does every step', async () => {
    const { exitCode, stdout, stderr } = await asRoot(`${SETUP} --yes`, APT_TIMEOUT_MS)
    expect({ exitCode, tail: exitCode === 0 ? '' : `${stderr}${stdout.slice(-2000)}` }).toEqual({ exitCode: 0, tail: '' })
    expect(stdout).toMatch(/\d+ steps done/u)
  })

  test('a second run has nothing left to do and changes nothing', async () => {
    const list = 'find /etc /home/moby /var/lib/systemd/linger -xdev -newer /opt/mark -type f | sort'
    await guest.must('touch /opt/mark', { user: 'root' })
    const { exitCode, stdout } = await asRoot(`${SETUP} --yes`)
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/ done +Start rootless Docker/u)
    expect(stdout).not.toMatch(/ to do |by hand/u)
    expect(await guest.must(list, { user: 'root' })).toBe('')
    // The lab speaks to the new user as to root.
    await guest.must('install -d -o moby -g moby -m 700 /home/moby/.ssh', { user: 'root' })
    await guest.must('install -o moby -g moby -m 600 /root/.ssh/authorized_keys /home/moby/.ssh/', { user: 'root' })
  })

  test('each engine runs a container for the ordinary user', async () => {
    const docker = 'docker -H unix:///run/user/$(id -u)/docker.sock'
    await asMoby(`${docker} load -q -i /opt/lab/busybox-image.tar`)
    expect(await asMoby(`${docker} run --rm busybox cat /proc/self/uid_map`)).toMatch(/^\s*1\s+\d+\s+65536$/mu)
    await asMoby('podman load -q -i /opt/lab/busybox-image.tar')
    expect(await asMoby('podman run --rm busybox cat /proc/self/uid_map')).toMatch(/^\s*1\s+\d+\s+65536$/mu)
    await asMoby('lxc-create -n c0 -t busybox')
    const scope = 'systemd-run --user --scope -q -p Delegate=yes --'
    await asMoby(`${scope} lxc-start -n c0 -l DEBUG -o /tmp/c0.log || { cat /tmp/c0.log >&2; exit 1; }`)
    expect(await asMoby(`${scope} lxc-attach -n c0 -- cat /proc/self/uid_map`)).toMatch(/^\s*0\s+\d+\s+65536$/mu)
    expect(await asMoby(`${scope} lxc-attach -n c0 -- ip link`)).toMatch(/eth0/u)
    await asMoby('lxc-stop -n c0 -k')
  })

  test('compare says that all three are there and that every controller applies', async () => {
    const { engines } = report.parse(JSON.parse(await asMoby('node /opt/cli/main.js compare --format json')))
    expect(engines.map(({ engine, availability }) => `${engine} ${availability.status}`)).toEqual([
      'docker available',
      'podman available',
      'lxc available',
    ])
    const user = 'user.slice/user-$(id -u).slice/user@$(id -u).service'
    expect((await asMoby(`cat /sys/fs/cgroup/${user}/cgroup.controllers`)).split(' ')).toEqual(
      expect.arrayContaining(['cpu', 'cpuset', 'io', 'memory', 'pids']),
    )
    // It ends with 0 when one engine has all of it, and says of each other what is missing.
    const { exitCode, stdout, stderr } = await guest.run(`node /opt/cli/main.js compare --require limits=${LIMITS[release]}`)
    expect({ exitCode, said: `${stdout}${stderr}` }).toEqual({ exitCode: 0, said: expect.not.stringMatching(/does not fit/u) })
  })

  test('after a reboot the engines are there again, without a login', async () => {
    const before = await guest.must('cat /proc/sys/kernel/random/boot_id', { user: 'root' })
    await guest.reboot()
    expect(await guest.must('cat /proc/sys/kernel/random/boot_id', { user: 'root' })).not.toBe(before)
    const id = await guest.must('id -u moby', { user: 'root' })
    const docker = `docker -H unix:///run/user/${id}/docker.sock version --format '{{.Server.Version}}'`
    const wait = `for try in $(seq 120); do ${docker} 2>/dev/null && exit 0; sleep 1; done; ${docker}`
    expect(await guest.must(wait, { user: 'root', timeoutMs: 300_000 })).toMatch(/^\d+\./u)
    expect(await guest.must('loginctl list-sessions --no-legend', { user: 'root' })).not.toMatch(/moby/u)
    await guest.must('test -d /sys/class/net/lxcbr0', { user: 'root' })
    expect((await asRoot(`${SETUP} --dry-run`)).stdout).not.toMatch(/ to do |by hand/u)
    expect(await asMoby('podman run --rm busybox echo alive')).toBe('alive')
  })

  test("the README's first command, in a fresh clone of that user's, shows the three engines", async () => {
    await bringProject(guest, '~/clone', onProgress)
    expect(START).toMatch(/ start$/u)
    const { exitCode, stdout, stderr } = await inClone(`${START}`, START_TIMEOUT_MS)
    expect({ exitCode, said: exitCode === 0 ? '' : `${stderr}${stdout.slice(-3000)}` }).toEqual({ exitCode: 0, said: '' })
    expect(stdout).toMatch(/Engine +│ ✔ [^│]+│ ✔ [^│]+│ ✔ /u)
  })

  test.runIf(release === TESTED_RELEASE)(
    "the README's second command passes there",
    async () => {
      expect(TEST).toMatch(/ test$/u)
      const command = guest.accelerator === 'kvm' ? `${TEST}` : `${TEST} ${EMULATED_PARTS}`
      const { exitCode, stdout } = await inClone(command, TEST_TIMEOUT_MS)
      onProgress(`${release}: ${stdout.trim().split('\n').at(-1) ?? ''}`)
      expect({ exitCode, said: exitCode === 0 ? '' : stdout.slice(-6000) }).toEqual({ exitCode: 0, said: '' })
      expect(stdout).toMatch(/^\d+ passed, 0 failed/mu)
    },
    TEST_TIMEOUT_MS,
  )

  test('--stop ends what was started', async () => {
    const { exitCode, stdout } = await asRoot(`${SETUP} --stop`)
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^stopped: docker\.service of moby/mu) })
    expect((await asRoot('pgrep -u moby -x dockerd')).exitCode).toBe(1)
    expect((await asRoot(`${SETUP} --stop`)).stdout).toMatch(/^nothing that setup started is running/mu)
  })

  test('the undo steps of the plan take it all back', async () => {
    const asUser = (words: string): string =>
      `setpriv --reuid=moby --regid=moby --init-groups env XDG_RUNTIME_DIR=/run/user/$(id -u moby) ${words}`
    const steps: readonly (readonly [string, string])[] = [
      ['systemctl --user disable --now docker', asUser('systemctl --user disable --now docker')],
      ['systemctl disable --now lxc-net', 'systemctl disable --now lxc-net'],
      ['loginctl disable-linger moby', 'loginctl disable-linger moby'],
      [`remove ${DELEGATE_DROP_IN} and run systemctl daemon-reload`, `rm ${DELEGATE_DROP_IN} && systemctl daemon-reload`],
      ['remove the line "moby veth lxcbr0 10"', "sed -i '/^moby veth lxcbr0 10$/d' /etc/lxc/lxc-usernet"],
    ]
    for (const [printed, line] of steps) {
      expect(planText).toContain(printed)
      expect(await asRoot(line)).toMatchObject({ exitCode: 0 })
    }
    // Nobody can be removed who is still logged in: the lab's own connection is a session. The last processes end a moment later.
    await asRoot('loginctl terminate-user moby')
    expect(planText).toContain('userdel --remove moby')
    await guest.must('for try in $(seq 60); do pgrep -u moby >/dev/null || break; sleep 1; done; userdel --remove moby', {
      user: 'root',
    })
    const { stdout } = await asRoot(`${SETUP} --dry-run`)
    for (const title of [
      'Make the ordinary user',
      'Delegate every',
      'Let services of',
      'Allow moby',
      'Start the bridge',
      'Start rootless Docker',
    ]) {
      expect(stdout).toMatch(new RegExp(`to do +${title}`, 'u'))
    }
  })
})
