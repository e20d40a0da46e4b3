import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { recordSystem, scrubRecording, type Recording } from '@rootless-runtime/conformance'
import {
  ENGINE_NAMES,
  knownValue,
  type AdapterOptions,
  type EngineName,
  type RootlessRuntime,
  type System,
} from '@rootless-runtime/core'
import { createDocker } from '@rootless-runtime/docker'
import { createLocalSystem, probeHost } from '@rootless-runtime/host'
import { createLxc } from '@rootless-runtime/lxc'
import { createPodman } from '@rootless-runtime/podman'

// `pnpm record [ENGINE...]`: asks the real engines of this machine through a witness, and writes what they said into
// packages/ENGINE/recordings. As root it asks as the user TEST_USER, or `rootless`.

// What a recording is called after, besides its engine and release: how the host was configured.
const CONFIGURATION = process.env['RECORD_CONFIGURATION']
const USER = process.env['TEST_USER'] ?? 'rootless'
// A guest without hardware virtualisation takes its time.
const TIMEOUT_MS = 60_000
const PRINT = '--print'
/** One line per recording, with the file that it belongs into: for whoever records in a guest. */
const PRINT_NAMED = '--print-named'

const CREATE: Readonly<Record<EngineName, (system: System, options: AdapterOptions) => RootlessRuntime>> = {
  docker: createDocker,
  podman: createPodman,
  lxc: createLxc,
}

async function record(engine: EngineName): Promise<Recording> {
  const system = createLocalSystem()
  const recorder = recordSystem(system)
  const runtime = CREATE[engine](recorder.system, { timeoutMs: TIMEOUT_MS })
  const availability = await runtime.detect()
  if (availability.status !== 'available') throw new Error(availability.reason)
  const hostFacts = await probeHost(system)
  await runtime.capabilities(hostFacts)
  const recording = recorder.finish({ engine, engineVersion: availability.version, hostFacts })
  const cgroup = knownValue(hostFacts.cgroup.ownPath)
  // What is this machine's and nobody else's. The path of a cgroup may name whoever started us.
  const replacements = new Map([
    [hostname(), 'host'],
    ...(cgroup === undefined || cgroup === '/' ? [] : [[cgroup, '/session'] as const]),
    ...listIds(recording),
  ])
  return scrubRecording(recording, replacements)
}

/** Docker's name for itself, which is stable and unique, and where it looks for images. */
function listIds({ exchanges }: Recording): readonly (readonly [string, string])[] {
  return exchanges.flatMap(({ body }) => [
    ...[...body.matchAll(/(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}/gu)].map(([id]) => [id, 'AAAA:BBBB'] as const),
    ...[...body.matchAll(/"IndexServerAddress":"([^"]+)"/gu)].map(
      ([, address = '']) => [address, 'https://registry.example/'] as const,
    ),
    ...[...body.matchAll(/"([\w.-]+)":\{"Name":"\1","Mirrors"/gu)].map(([, name = '']) => [name, 'registry.example'] as const),
  ])
}

function toFileName({ engine, engineVersion, hostFacts }: Recording): string {
  const distribution = knownValue(hostFacts.system.distribution)
  const layout = CONFIGURATION ?? knownValue(hostFacts.cgroup.layout) ?? 'unknown'
  const version = engineVersion.replaceAll(/[^\w.+-]/gu, '_')
  return `${engine}-${version}-${distribution?.id ?? 'linux'}-${distribution?.versionId ?? ''}-${layout}.json`
}

/** The recording as another user makes it: this file again, with that user's ids and environment. */
function recordAs(name: string, engine: EngineName): Recording {
  const [, , uid = '', gid = '', , home = '/'] = spawnSync('getent', ['passwd', name], { encoding: 'utf8' })
    .stdout.trim()
    .split(':')
  if (uid === '') throw new Error(`there is no user ${name}; rootless setup makes one`)
  const words = [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--init-groups',
    process.execPath,
    ...process.execArgv,
    import.meta.filename,
    PRINT,
    engine,
  ]
  const env = {
    HOME: home,
    USER: name,
    LOGNAME: name,
    PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
    XDG_RUNTIME_DIR: `/run/user/${uid}`,
  }
  const ended = spawnSync('setpriv', words, { env, cwd: home, encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 })
  if (ended.status !== 0) throw new Error(ended.stderr.trim())
  // What our own other process printed a moment ago.
  return JSON.parse(ended.stdout) as Recording
}

async function main(words: readonly string[]): Promise<number> {
  const print = words.includes(PRINT)
  const named = words.filter((word) => word !== PRINT && word !== PRINT_NAMED)
  const strange = named.filter((word) => !ENGINE_NAMES.some((engine) => engine === word))
  if (strange.length > 0) {
    process.stderr.write(`engines are ${ENGINE_NAMES.join(', ')}, not ${strange.join(', ')}\n`)
    return 2
  }
  let code = 0
  for (const engine of ENGINE_NAMES.filter((name) => named.length === 0 || named.includes(name))) {
    try {
      const recording = userInfo().uid === 0 ? recordAs(USER, engine) : await record(engine)
      const text = `${JSON.stringify(recording, undefined, 2)}\n`
      if (words.includes(PRINT_NAMED)) {
        process.stdout.write(`${JSON.stringify({ name: `${engine}/recordings/${toFileName(recording)}`, text })}\n`)
      } else if (print) {
        process.stdout.write(text)
      } else {
        const folder = join(import.meta.dirname, '../packages', engine, 'recordings')
        mkdirSync(folder, { recursive: true })
        writeFileSync(join(folder, toFileName(recording)), text)
        process.stdout.write(`packages/${engine}/recordings/${toFileName(recording)}\n`)
      }
    } catch (error) {
      process.stderr.write(`${engine} was not recorded: ${error instanceof Error ? error.message : String(error)}\n`)
      code = 1
    }
  }
  return code
}

process.exitCode = await main(process.argv.slice(2))
