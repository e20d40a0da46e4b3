import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { ENGINE_NAMES } from 'rootless-runtime'
import { parseReport } from 'rootless-runtime/schema'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { buildImage } from '../live/image.ts'

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

test.skipIf(!possible && !mustRun)(
  `as root, --as-user ${USER} runs a container on each engine out of a closed folder`,
  async () => {
    const main = join(folder, 'dist/main.js')
    const image = `rootless-as-user-${process.pid}:1`
    const built = await buildImage()
    chmodSync(built, 0o755)
    const run = (engine: string): Pick<ReturnType<typeof rootless>, 'status' | 'stdout' | 'stderr'> => {
      const loaded = rootless(main, 'load', '--engine', engine, '--user', USER, '--reference', image, join(built, 'image.tar'))
      if (loaded.status !== 0) return loaded
      return rootless(main, 'run', '--engine', engine, '--as-user', USER, '--rm', image, 'echo', engine)
    }
    try {
      for (const engine of ENGINE_NAMES) expect(run(engine)).toMatchObject({ stderr: '', stdout: `${engine}\n`, status: 0 })
    } finally {
      const remover = join(import.meta.dirname, 'remove-images.ts')
      const removed = spawnSync(process.execPath, ['--conditions=@rootless-runtime/source', remover, USER, image])
      rmSync(built, { recursive: true })
      expect({ status: removed.status, stderr: removed.stderr.toString() }).toEqual({ status: 0, stderr: '' })
    }
  },
)

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
