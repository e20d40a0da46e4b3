import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { build } from 'tsup'
import { z } from 'zod'
import type { Guest } from './guest.ts'
import { tellLabError } from './lab-error.ts'
import { parseKindName, type GuestKind } from './releases.ts'
import { startGuest } from './start-guest.ts'

// `node test/lab/record-in-guest.ts GUEST...`: the recordings of `pnpm record`, made inside guests.

const PACKAGES = join(import.meta.dirname, '../../packages')
const RECORD_TIMEOUT_MS = 600_000
const say = (line: string): void => void process.stderr.write(`${line}\n`)

const named = z.object({ name: z.string().regex(/^(?:docker|podman|lxc)\/recordings\/[\w.+-]+\.json$/u), text: z.string() })

/** The recorder as one file that needs nothing but Node. With `bundleRecorder(FOLDER)` any guest can be recorded. */
export async function bundleRecorder(folder: string): Promise<void> {
  await build({
    entry: { record: join(import.meta.dirname, '../record.ts') },
    outDir: folder,
    config: false,
    format: 'esm',
    target: 'node22',
    platform: 'node',
    splitting: false,
    clean: false,
    silent: true,
    noExternal: [/.*/u],
    esbuildOptions: (options) => {
      options.conditions = ['@rootless-runtime/source', 'node', 'import']
    },
    // CommonJS modules in the bundle ask for `require`.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  })
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n')
}

/** Records every engine of a guest and writes what came back; returns the files. */
export async function recordInGuest(guest: Guest, configuration: string): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'rootless-recorder-'))
  try {
    await bundleRecorder(folder)
    await guest.send(folder, '/project/recorder')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const line = `RECORD_CONFIGURATION=${configuration} node /project/recorder/record.js --print-named`
  return writeRecordings(await guest.must(line, { timeoutMs: RECORD_TIMEOUT_MS }))
}

function writeRecordings(lines: string): readonly string[] {
  return lines.split('\n').map((line) => {
    const { name, text } = named.parse(JSON.parse(line))
    const path = join(PACKAGES, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return `packages/${name}`
  })
}

async function recordKind(kind: GuestKind): Promise<void> {
  await using guest = await startGuest({ ...kind, onProgress: say })
  for (const path of await recordInGuest(guest, kind.configuration)) process.stdout.write(`${path}\n`)
}

async function main(names: readonly string[]): Promise<number> {
  for (const name of names) {
    const kind = parseKindName(name)
    if (kind === undefined || kind.configuration === 'bare') {
      say(`there is no guest with engines called ${name}`)
      return 2
    }
    try {
      await recordKind(kind)
    } catch (error) {
      say(tellLabError(error))
      return 1
    }
  }
  return 0
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
