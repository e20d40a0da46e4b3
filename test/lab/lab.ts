import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { ensureImage } from './build-image.ts'
import { cacheFolder } from './cache.ts'
import { toSshArguments, type GuestUser } from './guest.ts'
import { LabError, tellLabError } from './lab-error.ts'
import { chooseAccelerator, ensureTools, listMissingPackages } from './machine.ts'
import { ALL_GUESTS, CORE_GUESTS, parseKindName, RELEASES, toKindName, type GuestKind, type Release } from './releases.ts'
import { listRunning, runFolder, type RunningGuest } from './running.ts'
import { prepareGuest, startGuest } from './start-guest.ts'

// `pnpm lab`: guests by hand. `start` owns its guest and keeps it until it is ended; the tests own theirs.

const stopping = new AbortController()
const say = (line: string): void => void process.stderr.write(`${line}\n`)

function toRelease(name: string): Release {
  const release = RELEASES.find((each) => each === name)
  if (release === undefined) throw new LabError(`there is no release ${name}`, `releases are ${RELEASES.join(', ')}`)
  return release
}

function toKind(name: string): GuestKind {
  const kind = parseKindName(name)
  if (kind === undefined) throw new LabError(`there is no guest ${name}`, `guests are ${ALL_GUESTS.map(toKindName).join(', ')}`)
  return kind
}

function toRunning(name: string): RunningGuest {
  const running = listRunning()
  const found = running.find((guest) => guest.name === name)
  if (found !== undefined) return found
  const names = running.map((guest) => guest.name).join(', ')
  throw new LabError(`no guest ${name} is running`, names === '' ? `pnpm lab start ${name}` : `running: ${names}`)
}

async function build(names: readonly string[], { bare = false }: { readonly bare?: boolean }): Promise<void> {
  await ensureTools(say)
  const releases = names.length === 0 ? RELEASES : names.map(toRelease)
  for (const release of releases) {
    const { folder, made } = await ensureImage(release, bare, { onProgress: say, signal: stopping.signal })
    say(`${folder}: ${made ? 'built' : 'is there'}`)
  }
}

async function prepare(names: readonly string[]): Promise<void> {
  const kinds = names.length === 0 ? CORE_GUESTS : names.map(toKind)
  const started = performance.now()
  for (const kind of kinds) await prepareGuest({ ...kind, onProgress: say, signal: stopping.signal })
  say(`${kinds.map(toKindName).join(', ')}: ready after ${Math.round((performance.now() - started) / 1000)} s`)
}

async function start(name: string, { boot = false }: { readonly boot?: boolean }): Promise<void> {
  const kind = toKind(name)
  const accelerator = chooseAccelerator()
  say(`${name}: by ${accelerator.name}, as ${accelerator.reason}`)
  const keep = join(runFolder(), `${name}.json`)
  if (listRunning().some((guest) => guest.name === name))
    throw new LabError(`${name} is running already`, `pnpm lab stop ${name}`)
  await using guest = await startGuest({ ...kind, frozen: !boot, onProgress: say, signal: stopping.signal })
  mkdirSync(runFolder(), { recursive: true })
  writeFileSync(keep, JSON.stringify({ name, owner: process.pid, ...guest.address }))
  try {
    say(`${name} runs until Ctrl-C, or: pnpm lab stop ${name}\nNext: pnpm lab run ${name} 'docker info'`)
    // An idle event loop would end us, and the guest with us.
    const alive = setInterval(() => {}, 60_000)
    await new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve(), { once: true }))
    clearInterval(alive)
  } finally {
    rmSync(keep, { force: true })
  }
}

/** The exit code, the streams and the terminal are those of the command inside. */
function run(name: string, words: readonly string[], { root = false }: { readonly root?: boolean }): Promise<number> {
  const guest = toRunning(name)
  const user: GuestUser = root || parseKindName(name)?.configuration === 'bare' ? 'root' : 'moby'
  const line = `[ ! -r /etc/profile.d/lab.sh ] || . /etc/profile.d/lab.sh; ${words.join(' ')}`
  const terminal = process.stdin.isTTY && process.stdout.isTTY ? ['-t'] : []
  const child = spawn('ssh', [...terminal, ...toSshArguments(guest, guest.keyFile, user), line], { stdio: 'inherit' })
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 255)))
}

async function stop(name: string): Promise<void> {
  const { owner } = toRunning(name)
  process.kill(owner, 'SIGTERM')
  const started = performance.now()
  while (listRunning().some((guest) => guest.name === name)) {
    if (performance.now() - started > 10_000) throw new LabError(`${name} did not end within 10 s`, `kill ${owner}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  say(`${name} has ended`)
}

function list(): void {
  const missing = listMissingPackages()
  const accelerator = chooseAccelerator()
  const entries = readdirSync(cacheFolder()).filter((name) => /^(?:image|state|packages)-/u.test(name) && !name.endsWith('.lock'))
  const running = listRunning().map(({ name, owner }) => `  ${name} (owner ${owner})`)
  const lines = [
    `guests: ${ALL_GUESTS.map(toKindName).join(', ')}`,
    `accelerator: ${accelerator.name}, as ${accelerator.reason}`,
    `missing packages: ${missing.length === 0 ? 'none' : missing.join(', ')}`,
    `cache: ${cacheFolder()}`,
    ...entries.toSorted().map((name) => `  ${name}`),
    `running: ${running.length === 0 ? 'none' : ''}`,
    ...running,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

function clean(): void {
  const running = listRunning()
  if (running.length > 0) {
    throw new LabError(`${running.map(({ name }) => name).join(', ')} still running`, 'pnpm lab stop NAME first')
  }
  const folder = cacheFolder()
  // Locks too: with no guest running and none being made, nobody holds one.
  const entries = readdirSync(folder).filter((name) => /^(?:image-|state-|packages-|key(?:$|\.))/u.test(name))
  for (const name of entries) rmSync(join(folder, name), { recursive: true, force: true })
  say(`${folder}: emptied`)
}

function buildProgram(finish: (code: number) => void): Command {
  const program = new Command('lab')
    .description('Throwaway Debian guests with rootless engines: docs/lab.md')
    .exitOverride()
    .enablePositionalOptions()
  program
    .command('build')
    .description('build images, as root: bullseye, bookworm, trixie; all unless named')
    .argument('[release...]')
    .option('--bare', 'without engines and user, for rootless setup')
    .action(build)
  program
    .command('prepare')
    .description('build and freeze guests, so that they start in seconds; those of the core set unless named')
    .argument('[guest...]')
    .action(prepare)
  program
    .command('start')
    .description('start a guest and keep it until Ctrl-C, or `lab stop`')
    .argument('<guest>', 'RELEASE-CONFIGURATION, as bookworm-delegate')
    .option('--boot', 'boot it, instead of going on from the frozen state')
    .action(start)
  program
    .command('run')
    .description('run a shell line in a running guest; its exit code is ours')
    .argument('<guest>')
    .argument('<command...>')
    .option('--root', 'as root instead of moby')
    .passThroughOptions()
    .action(async (name, words, options) => finish(await run(name, words, options)))
  program.command('stop').description('end a guest').argument('<guest>').action(stop)
  program.command('list').description('guests, what is cached, what runs, what is missing').action(list)
  program.command('clean').description('remove every image, state and folder of packages').action(clean)
  return program
}

async function main(words: readonly string[]): Promise<number> {
  // Kept, not `once`: without a listener execa ends this process with the signal, before anything is cleaned up.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stopping.abort(new LabError(`ended by ${signal}`, 'nothing is left running')))
  }
  let code = 0
  try {
    await buildProgram((ended) => (code = ended)).parseAsync([...words], { from: 'user' })
    return code
  } catch (error) {
    // commander has said what it had to say.
    if (error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number') return error.exitCode === 0 ? 0 : 2
    say(`lab: ${tellLabError(error)}`)
    if (stopping.signal.aborted) return 130
    return error instanceof LabError ? 2 : 1
  }
}

process.exitCode = await main(process.argv.slice(2))
