import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { LabError } from './lab-error.ts'

const MANIFEST = 'manifest.json'
export const GUEST_SCRIPTS = join(import.meta.dirname, 'guest-scripts')

/** Where images, states and the key of ssh are kept: `LAB_CACHE`, or a folder of the user's cache. Never in the repository. */
export function cacheFolder(): string {
  const folder =
    process.env['LAB_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'rootless-runtime-lab')
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  return folder
}

/** A short key of everything that an entry is made of. */
export function toKey(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}

/** What runs in a guest before it is frozen: a part of the state, not of the image. */
export const WARM_UP_SCRIPT = 'warm-up.sh'

/** The names and contents of the scripts that make an image: a changed script is a changed guest. */
export function readImageScripts(): readonly string[] {
  return readdirSync(GUEST_SCRIPTS)
    .filter((name) => name !== WARM_UP_SCRIPT)
    .toSorted()
    .map((name) => `${name}\n${readGuestScript(name)}`)
}

export function readGuestScript(name: string): string {
  return readFileSync(join(GUEST_SCRIPTS, name), 'utf8')
}

/** Fails early when the cache's file system is nearly full, before half of an image is written. */
export function requireFreeBytes(bytes: number): void {
  const { bavail, bsize } = statfsSync(cacheFolder())
  const free = bavail * bsize
  if (free >= bytes) return
  const gigabytes = (value: number): string => (value / 1024 ** 3).toFixed(1)
  throw new LabError(
    `${cacheFolder()} has ${gigabytes(free)} GiB free; this needs ${gigabytes(bytes)} GiB`,
    'pnpm lab clean, or another place in LAB_CACHE',
  )
}

/** An entry that is there, whole. */
export interface CacheEntry {
  readonly folder: string
  readonly made: boolean
}

/**
 * The entry of that name: as it is cached, or made by `make` in a folder beside it that becomes the entry only when it is whole.
 * One process makes it while others wait. A file that was cut or replaced since is noticed, and the entry made anew.
 */
export async function cached(
  name: string,
  make: (folder: string) => Promise<void>,
  onProgress: (line: string) => void,
): Promise<CacheEntry> {
  const folder = join(cacheFolder(), name)
  await using _ = await lock(name)
  if (existsSync(folder)) {
    const damage = findDamage(folder)
    if (damage === undefined) return { folder, made: false }
    onProgress(`${name}: ${damage}; made anew`)
    rmSync(folder, { recursive: true, force: true })
  }
  const unfinished = `${folder}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  try {
    await make(unfinished)
    writeFileSync(join(unfinished, MANIFEST), `${JSON.stringify(listSizes(unfinished))}\n`)
    renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  return { folder, made: true }
}

/** Whether an entry is cached and whole. */
export function isCached(name: string): boolean {
  const folder = join(cacheFolder(), name)
  return existsSync(folder) && findDamage(folder) === undefined
}

function listSizes(folder: string): Readonly<Record<string, number>> {
  const names = readdirSync(folder).filter((name) => name !== MANIFEST)
  return Object.fromEntries(names.map((name) => [name, statSync(join(folder, name)).size]))
}

function findDamage(folder: string): string | undefined {
  try {
    const expected: unknown = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8'))
    const sizes = listSizes(folder)
    const said = new Map(Object.entries(typeof expected === 'object' && expected !== null ? expected : {}))
    const wrong = [...said].find(([name, size]) => sizes[name] !== size)
    if (said.size === 0) return `${MANIFEST} lists nothing`
    return wrong === undefined ? undefined : `${wrong[0]} has ${sizes[wrong[0]] ?? 'no'} bytes, not ${String(wrong[1])}`
  } catch (error) {
    return `its ${MANIFEST} cannot be read: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** A lock of that name among all processes, which the kernel gives back however we end: a child holds it while our pipe is open. */
async function lock(name: string): Promise<AsyncDisposable> {
  const path = join(cacheFolder(), `${name.replaceAll('/', '-')}.lock`)
  const holder = spawn('flock', [path, 'sh', '-c', 'echo locked; cat >/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(holder, 'close')
  await Promise.race([once(holder.stdout, 'data'), ended])
  return {
    async [Symbol.asyncDispose]() {
      holder.stdin.end()
      await ended
    },
  }
}
