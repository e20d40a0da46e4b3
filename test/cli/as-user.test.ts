import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { parseReport } from 'rootless-runtime/schema'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'

// Root looks as the ordinary user who has the engines, out of a folder that this user cannot read: root's own clone.

const USER = process.env['TEST_USER'] ?? 'rootless'
const dist = join(import.meta.dirname, '../../apps/compare/dist')
const folder = mkdtempSync(join(tmpdir(), 'rootless-as-user-'))
chmodSync(folder, 0o700)
cpSync(dist, join(folder, 'dist'), { recursive: true })
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const accounts = readFileSync('/etc/passwd', 'utf8')
const possible = userInfo().uid === 0 && accounts.split('\n').some((line) => line.startsWith(`${USER}:`))
const mustRun = process.env['CI'] === 'true' && userInfo().uid === 0

function rootless(main: string, ...words: string[]) {
  return spawnSync(process.execPath, [main, ...words], { encoding: 'utf8' })
}

// Only root can become somebody else; the user is made by `rootless setup`.
test.skipIf(!possible && !mustRun)(`as root, --user ${USER} finds all engines out of a closed folder`, () => {
  const ended = rootless(join(folder, 'dist/main.js'), 'compare', '--user', USER, '--format', 'json')
  const report = parseReport(ended.stdout)
  expect(report.host.user.name).toBe(USER)
  expect(report.engines.map(({ engine, availability }) => [engine, availability.status])).toEqual([
    ['docker', 'available'],
    ['podman', 'available'],
    ['lxc', 'available'],
  ])
})

test.skipIf(!possible && !mustRun)(`as root, --user ${USER} has the containers of all engines out of a closed folder`, () => {
  const ended = rootless(join(folder, 'dist/main.js'), 'ps', '-a', '--user', USER, '--format', 'json')
  const { engines } = z
    .object({ engines: z.array(z.object({ engine: z.string(), status: z.string() })) })
    .parse(JSON.parse(ended.stdout))
  expect(engines.map(({ engine, status }) => [engine, status])).toEqual([
    ['docker', 'answered'],
    ['podman', 'answered'],
    ['lxc', 'answered'],
  ])
})

test.skipIf(!possible)('root without a name runs nothing, and is told whom to name', () => {
  const main = join(folder, 'dist/main.js')
  expect(rootless(main, 'ps')).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('--user rootless') })
  expect(rootless(main, 'run', 'busybox')).toMatchObject({
    status: 125,
    stdout: '',
    stderr: expect.stringContaining('--as-user'),
  })
})

test.skipIf(!possible)('what cannot be found for another user is one clear line', () => {
  const ended = rootless(join(folder, 'dist/main.js'), 'compare', '--user', 'nobody-of-that-name')
  expect(ended.status).toBe(2)
  expect(ended.stderr).toMatch(/^rootless: there is no user "nobody-of-that-name" on this host; try: rootless setup/u)
})
