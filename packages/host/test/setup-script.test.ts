import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { known, type CgroupVersion } from '@rootless-runtime/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { planSetup } from '../src/setup/plan-setup.ts'
import { describeAction, renderSetupScript } from '../src/setup/render-setup-script.ts'
import type { SetupPlan } from '../src/setup/setup-plan.ts'
import { APPEND_LINE_SCRIPT, WRITE_FILE_SCRIPT } from '../src/setup/shell-pieces.ts'
import { SUPERVISOR_SCRIPT } from '../src/setup/supervisor-script.ts'
import { BARE, READY, USER } from './setup-fixtures.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'setup-script-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const layouts: readonly (readonly [string, boolean, CgroupVersion])[] = [
  ['systemd and cgroup v2', true, 'v2'],
  ['systemd and cgroup v1', true, 'v1'],
  ['no systemd', false, 'hybrid'],
]

test.each(layouts)('the script for a bare host with %s is one that a shell can read', (_, systemd, layout) => {
  const script = renderSetupScript(planSetup({ ...BARE, systemd, cgroupLayout: known(layout, 'mounts') }))
  expect(spawnSync('sh', ['-n'], { input: script }).status).toBe(0)
  expect(script).toContain('# Why: ')
  expect(script).toContain('# Undo: ')
})

test('the script for a host that is ready does nothing', () => {
  const commands = renderSetupScript(planSetup(READY))
    .split('\n')
    .filter((line) => /^as_(root|user) [a-z]/u.test(line))
  expect(commands).toEqual([])
})

test('the script for another distribution holds its root commands as comments', () => {
  const fedora = known({ id: 'fedora', idLike: [], versionId: '42', prettyName: 'Fedora' }, '/etc/os-release')
  const script = renderSetupScript(planSetup({ ...BARE, distribution: fedora }))
  expect(script.split('\n').filter((line) => /^as_(root|user) [a-z]/u.test(line))).toEqual([])
  expect(script).toMatch(/^# +env DEBIAN_FRONTEND=noninteractive apt-get install/mu)
})

const HOSTILE = "one 'two' $(touch hacked) `id`\nEND_OF_FILE\n\\three\n"

function planOf(actions: SetupPlan['steps'][number]['actions']): SetupPlan {
  const step = {
    id: 'packages',
    title: 'x\nrm -rf /',
    why: "it's\r\n$(id)",
    needsRoot: false,
    undo: '`id`',
    state: 'needed',
    actions,
  } as const
  return { supportedDistribution: true, engines: ['docker'], user: USER, systemd: false, steps: [step] }
}

// The script's own as_root and as_user become functions that only run their words, so that it harms nothing here.
function runHarmlessly(script: string): string {
  const body = script.replace(/^if \[ "\$\(id -u\)".*$/mu, '').replaceAll(/^ {2}\/usr\/bin\/(?:env|setpriv) .*$/gmu, '  "$@"')
  return execFileSync('sh', ['-c', body], { cwd: folder, encoding: 'utf8' })
}

test.each([
  ['with a last newline', HOSTILE],
  ['without one', HOSTILE.trimEnd()],
  ['that is empty', ''],
])('a file %s arrives unchanged, with its mode, in folders that were missing', (_, content) => {
  const path = join(folder, 'new folder', "it's")
  runHarmlessly(renderSetupScript(planOf([{ kind: 'write-file', as: 'user', path, content, mode: 0o640 }])))
  expect(readFileSync(path, 'utf8')).toBe(content)
  expect(statSync(path).mode & 0o777).toBe(0o640)
  expect(readdirSync(join(folder, 'new folder'))).toEqual(["it's"])
})

test('a command runs with its words, and not when its condition holds', () => {
  const path = join(folder, 'words')
  const touch = (name: string, unless: 'true' | 'false') =>
    ({ kind: 'run', as: 'root', command: ['touch', `${path} ${name}`], unless: [unless] }) as const
  expect(runHarmlessly(renderSetupScript(planOf([touch('a', 'false'), touch('b', 'true')])))).toContain('finished')
  expect(readdirSync(folder)).toEqual(['words a'])
})

test.each([
  ['an absent file', null, 'moby veth lxcbr0 10\n'],
  ['a file without a last newline', 'other', 'other\nmoby veth lxcbr0 10\n'],
  ['a file that has the line', 'moby veth lxcbr0 10\nother\n', 'moby veth lxcbr0 10\nother\n'],
  ['a file with a longer line', 'moby veth lxcbr0 100\n', 'moby veth lxcbr0 100\nmoby veth lxcbr0 10\n'],
])('a line is added to %s', (_, before, after) => {
  const path = join(folder, 'lxc-usernet')
  if (before !== null) writeFileSync(path, before)
  execFileSync('sh', ['-c', APPEND_LINE_SCRIPT, 'append-line', path, 'moby veth lxcbr0 10'])
  expect(readFileSync(path, 'utf8')).toBe(after)
})

test('a file that cannot be written leaves the old one, and nothing beside it', () => {
  const path = join(folder, 'kept')
  writeFileSync(path, 'old')
  // 1 KiB is the largest file that this shell may write: a full disk in small.
  const limited = `trap '' XFSZ; ulimit -f 1; ${WRITE_FILE_SCRIPT}`
  const { status } = spawnSync('sh', ['-c', limited, 'write-file', path, '0644'], { input: 'x'.repeat(100_000) })
  expect(status).not.toBe(0)
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(readdirSync(folder)).toEqual(['kept'])
})

test('the supervisor is a script that a POSIX shell can read', () => {
  expect(spawnSync('sh', ['-n'], { input: SUPERVISOR_SCRIPT }).status).toBe(0)
})

test('every action of a plan has its line for people', () => {
  const lines = planSetup(BARE)
    .steps.flatMap(({ actions }) => actions)
    .map(describeAction)
  expect(lines).toContain('append to /etc/lxc/lxc-usernet: moby veth lxcbr0 10')
  expect(lines.filter((line) => line.includes('\n') || line === '')).toEqual([])
})
