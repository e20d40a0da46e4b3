import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildTestImage, toDockerArchive } from '@rootless-runtime/conformance'
import { buildReport, ENGINE_NAMES, openRuntime } from 'rootless-runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeEngine } from './agreement.ts'

// The examples, as somebody who read them would run them.

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'rootless-examples-'))
const archive = join(folder, 'image.tar')
const report = await buildReport()

/** What the examples call their images, and the archive its own. */
const NAMES = /\/(?:hello|sandbox|web|fixture|rootless-examples):latest$/u

beforeAll(async () => {
  writeFileSync(archive, await toDockerArchive(await buildTestImage(readFileSync('/bin/busybox')), 'rootless-examples:latest'))
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

interface Ended {
  readonly code: number | null
  readonly text: string
}

async function runNode(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const child = spawn(process.execPath, ['--conditions=@rootless-runtime/source', ...words], {
    cwd: join(root, 'examples'),
    env: { ...process.env, ...environment, VITEST: undefined, NODE_OPTIONS: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  const add = (chunk: Buffer): void => void (text += chunk.toString())
  child.stdout.on('data', add)
  child.stderr.on('data', add)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, text }
}

for (const engine of ENGINE_NAMES) {
  describeEngine(report, engine, () => {
    afterAll(async () => {
      const { images } = await openRuntime(engine)
      for (const { references } of await images.list()) {
        for (const reference of references.filter((each) => NAMES.test(each))) await images.remove(reference)
      }
    })

    test('hello.ts says hello from inside', async () => {
      const { code, text } = await runNode(['hello.ts', engine, archive])
      expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining('hello from inside, exit code 7') })
    })

    test('sandbox.ts runs code without a network, as nobody of note', async () => {
      const inside = 'id -u; touch /x || echo read-only; ls /sys/class/net 2>/dev/null; grep CapEff /proc/self/status'
      const { code, text } = await runNode(['sandbox.ts', archive, inside, engine])
      expect({ code, text }).toEqual({
        code: 0,
        text: expect.stringMatching(/"1000\\nread-only\\n(?:lo\\n)?CapEff:\\t0{16}\\n"/u),
      })
    })

    test('sandbox.ts ends code that does not end', async () => {
      const { code, text } = await runNode(['sandbox.ts', archive, 'while :; do :; done', engine])
      expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining('ABORTED') })
    })

    test('fixture.test.ts passes', async () => {
      const vitest = join(root, 'node_modules/vitest/vitest.mjs')
      const config = join(root, 'vitest.config.ts')
      const words = [vitest, 'run', '--project', 'examples', '--config', config, '--configLoader', 'native', '--root', root]
      const { code, text } = await runNode(words, { TEST_IMAGE: archive, TEST_ENGINE: engine })
      expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining('2 passed') })
    })
  })
}

// The tools of the lab bring it along; in CI they are there.
const hasDebianBuilder = spawnSync('mmdebstrap', ['--version']).status === 0

describe.skipIf(!hasDebianBuilder && process.env['CI'] !== 'true')(
  'a database out of Debian’s packages (needs mmdebstrap)',
  () => {
    const tar = join(folder, 'postgres.tar')
    const build =
      'mmdebstrap --mode=unshare --variant=minbase --include=postgresql-15 --skip=output/dev,output/mknod bookworm'.split(' ')

    beforeAll(() => {
      const [file = '', ...words] = build
      const { status, stderr } = spawnSync(file, [...words, tar], { encoding: 'utf8' })
      if (status !== 0) throw new Error(`mmdebstrap ended with ${status}: ${stderr.slice(-1000)}`)
    }, 900_000)

    for (const engine of ENGINE_NAMES) {
      describeEngine(report, engine, () => {
        test('database.ts counts by a real client', { timeout: 300_000 }, async () => {
          const { code, text } = await runNode(['database.ts', tar, engine])
          expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining('{"count":1000,"sum":500500}') })
          const { images } = await openRuntime(engine)
          await images.remove('postgres:15')
        })
      })
    }
  },
)

describe('on whichever engine is here', () => {
  test('web-server.ts serves itself', async () => {
    const { code, text } = await runNode(['web-server.ts', archive])
    expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining('200: // A web server with limits') })
  })
})
