import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached, toKey } from '../cache.ts'
import type { Guest } from '../guest.ts'
import { runOnHost } from '../host-command.ts'

const ROOT = join(import.meta.dirname, '../../..')
const FILL_TIMEOUT_MS = 600_000
const UNPACK_TIMEOUT_MS = 300_000
/** Where a guest has it. */
const PLACE = '/opt/offline'

/** What npm and pnpm read there instead of a registry: everything else about the README's commands is as on any machine. */
const OFFLINE = {
  npm_config_cache: `${PLACE}/npm-cache`,
  npm_config_offline: 'true',
  npm_config_update_notifier: 'false',
  pnpm_config_store_dir: `${PLACE}/store`,
  pnpm_config_cache_dir: `${PLACE}/pnpm-cache`,
  pnpm_config_offline: 'true',
} as const

/** Put before a line in a guest that has the project source. */
export const OFFLINE_WORDS = Object.entries(OFFLINE)
  .map(([name, value]) => `${name}=${value}`)
  .join(' ')

/**
 * One archive of all that the README's commands fetch, filled by running them here: npm, its cache with pnpm, pnpm's store, and
 * what pnpm knows of the packages, without which it does not believe the lockfile.
 */
async function ensureProjectSource(onProgress: (line: string) => void): Promise<string> {
  const npm = join((await runOnHost('npm', ['root', '--global'])).trim(), 'npm')
  const key = toKey(
    [join(ROOT, 'pnpm-lock.yaml'), join(npm, 'package.json'), import.meta.filename].map((path) => readFileSync(path, 'utf8')),
  )
  const make = async (folder: string): Promise<void> => {
    const work = join(folder, 'work')
    await copyProject(join(work, 'project'))
    await runOnHost('npx', ['-y', 'pnpm@12', '--dir', join(work, 'project'), 'install', '--frozen-lockfile'], {
      environment: {
        npm_config_cache: join(work, 'npm-cache'),
        pnpm_config_store_dir: join(work, 'store'),
        pnpm_config_cache_dir: join(work, 'pnpm-cache'),
      },
      timeoutMs: FILL_TIMEOUT_MS,
    })
    await runOnHost('cp', ['-aL', npm, join(work, 'npm')])
    await runOnHost('tar', ['-C', work, '-cf', join(folder, 'offline.tar'), 'npm', 'npm-cache', 'store', 'pnpm-cache'])
    rmSync(work, { recursive: true })
  }
  return join((await cached(`packages-project-${key}`, make, onProgress)).folder, 'offline.tar')
}

/** The files of this repository as a clone would have them, those not yet committed too. */
async function copyProject(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const script = 'cd "$1" && git ls-files -z -co --exclude-standard | tar --null -T - -cf - | tar -C "$2" -xf -'
  await runOnHost('sh', ['-c', script, 'copy', ROOT, folder])
}

/** Brings npm, npx and a clone of the project into a folder of moby's in a guest without network. */
export async function bringProject(guest: Guest, folder: string, onProgress: (line: string) => void): Promise<void> {
  const archive = await ensureProjectSource(onProgress)
  const pack = spawn('cat', [archive], { stdio: ['ignore', 'pipe', 'inherit'] })
  await guest.must(`mkdir -p ${PLACE} && tar -C ${PLACE} -xf - && chown -R moby: ${PLACE}`, {
    user: 'root',
    input: pack.stdout,
    timeoutMs: UNPACK_TIMEOUT_MS,
  })
  for (const name of ['npm', 'npx']) {
    await guest.must(`ln -sf ${PLACE}/npm/bin/${name}-cli.js /usr/local/bin/${name}`, { user: 'root' })
  }
  const clone = mkdtempSync(join(tmpdir(), 'rootless-clone-'))
  try {
    await copyProject(clone)
    await guest.send(clone, folder)
  } finally {
    rmSync(clone, { recursive: true, force: true })
  }
}
