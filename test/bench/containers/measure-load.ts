import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { spawn } from 'node:child_process'
import { openRuntime, type EngineName, type RootlessRuntime } from 'rootless-runtime'
import { copyIn, copyOut, streamIn, streamOut } from './load-streams.ts'
import { IMAGE, withContainer, type Found, type Ground } from './load-ground.ts'
import type { LoadResult } from './results.ts'
import { makeTestRootfs } from './test-image.ts'

/** The loads, each run in a process of its own, so that its memory is its own. */
export const LOADS: Readonly<Record<string, (ground: Ground) => Promise<Found>>> = {
  '50 containers at once': runMany,
  '1,000 execs, 20 at a time': execMany,
  '1 GiB through stdin': streamIn,
  '1 GiB through stdout': streamOut,
  '1 GiB through copyIn': copyIn,
  '1 GiB through copyOut': copyOut,
  'a log of a million lines': readLog,
  '10 processes on one engine': runProcesses,
  '500 runs leave nothing': leaveNothing,
}

/** Runs one load in this process. */
export async function measureLoad(engine: EngineName, title: string): Promise<LoadResult> {
  const runtime = await openRuntime(engine)
  const rootfs = makeTestRootfs()
  await runtime.images.load(rootfs.path, { reference: IMAGE })
  rootfs.remove()
  const before = await listNames(runtime)
  const beganMs = performance.now()
  const load = LOADS[title]
  if (load === undefined) throw new Error(`there is no load ${JSON.stringify(title)}`)
  const { problems, detail } = await load({ engine, runtime })
  const seconds = (performance.now() - beganMs) / 1000
  const left = (await listNames(runtime)).filter((name) => !before.includes(name))
  const all = left.length === 0 ? problems : [...problems, `left behind: ${left.join(', ')}`]
  return { engine, title, problems: [...all], seconds, peakMegabytes: readPeakMegabytes(), detail }
}

async function listNames(runtime: RootlessRuntime): Promise<readonly string[]> {
  return (await runtime.containers.list({ everyone: true })).map(({ name }) => name)
}

/** VmHWM of proc(5), in a million bytes. */
function readPeakMegabytes(): number {
  const kibibytes = Number(/VmHWM:\s*(\d+) kB/u.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
  return (kibibytes * 1024) / 1e6
}

async function runMany({ runtime }: Ground): Promise<Found> {
  const numbers = Array.from({ length: 50 }, (_, index) => index)
  const results = await Promise.allSettled(
    numbers.map((number) =>
      runtime.containers.runToEnd({ image: IMAGE, command: ['sh', '-c', `echo ${number}; exit ${number}`] }),
    ),
  )
  const problems = results.flatMap((result, number) => {
    if (result.status === 'rejected') return [`${number}: ${String(result.reason)}`]
    const { exitCode, stdout } = result.value
    return exitCode === number && stdout === `${number}\n` ? [] : [`${number}: exit code ${exitCode}, ${JSON.stringify(stdout)}`]
  })
  return { problems, detail: `${results.length - problems.length} of 50 gave their own output and exit code` }
}

async function execMany(ground: Ground): Promise<Found> {
  return await withContainer(ground, async (container) => {
    const problems: string[] = []
    let next = 0
    const worker = async (): Promise<void> => {
      for (let number = next++; number < 1000; number = next++) {
        const { exitCode, stdout } = await container.exec(['sh', '-c', `echo ${number}; exit ${number % 100}`])
        if (exitCode !== number % 100 || stdout !== `${number}\n`)
          problems.push(`${number}: ${exitCode} ${JSON.stringify(stdout)}`)
      }
    }
    await Promise.all(Array.from({ length: 20 }, worker))
    return { problems, detail: `${1000 - problems.length} of 1000 gave their own output and exit code` }
  })
}

async function readLog({ runtime }: Ground): Promise<Found> {
  const container = await runtime.containers.run({ image: IMAGE, command: ['seq', '1000000'] })
  try {
    await container.wait()
    const digest = createHash('sha256')
    let bytes = 0
    for await (const { data } of container.logs()) {
      digest.update(data)
      bytes += data.length
    }
    const wanted = createHash('sha256')
    for (let number = 1; number <= 1_000_000; number += 1) wanted.update(`${number}\n`)
    return {
      problems: digest.digest('hex') === wanted.digest('hex') ? [] : [`${bytes} bytes came, not the lines that were written`],
      detail: `${bytes} bytes, every line in its place`,
    }
  } finally {
    await container.remove({ force: true })
  }
}

async function runProcesses({ engine }: Ground): Promise<Found> {
  const script = `
    import { openRuntime } from 'rootless-runtime'
    const { containers } = await openRuntime('${engine}')
    for (let run = 0; run < 5; run += 1) {
      const { stdout, exitCode } = await containers.runToEnd({ image: '${IMAGE}', command: ['sh', '-c', 'echo ' + process.pid + '-' + run + '; exit 3'] })
      if (exitCode !== 3 || stdout !== process.pid + '-' + run + '\\n') throw new Error(stdout + exitCode)
    }`
  const ends = await Promise.all(Array.from({ length: 10 }, () => runScript(script)))
  return { problems: ends.filter((end) => end !== ''), detail: '10 processes ran 5 containers each' }
}

async function runScript(script: string): Promise<string> {
  const child = spawn(process.execPath, [...process.execArgv, '--input-type=module', '--eval', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return code === 0 ? '' : `a process ended with ${code}: ${errors.slice(-300)}`
}

/** What a process may leak: open files, processes of this user, mounts, files in the folders for temporary ones. */
function takeStock(): Readonly<Record<string, number>> {
  const user = process.getuid?.()
  const processes = readdirSync('/proc').filter((name) => {
    if (!/^\d+$/u.test(name)) return false
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8')
      // A zombie has ended: it waits for its new parent, process 1, to read how.
      return new RegExp(`^Uid:\\s+${user}\\b`, 'mu').test(status) && !/^State:\s+Z/mu.test(status)
    } catch {
      return false
    }
  })
  return {
    'open files': readdirSync('/proc/self/fd').length,
    processes: processes.length,
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length,
    'files in the temporary folder': readdirSync(tmpdir()).length,
    'files in the runtime folder': readdirSync(process.env['XDG_RUNTIME_DIR'] ?? tmpdir()).length,
  }
}

async function leaveNothing({ runtime }: Ground): Promise<Found> {
  const run = (): Promise<unknown> => runtime.containers.runToEnd({ image: IMAGE, command: ['true'] })
  // What is kept after the first runs (connections, a service) is no leak; what grows with each run is.
  for (let number = 0; number < 10; number += 1) await run()
  const before = takeStock()
  for (let number = 0; number < 125; number += 1) await Promise.all([run(), run(), run(), run()])
  await new Promise((resolve) => setTimeout(resolve, 2000))
  const after = takeStock()
  const problems = Object.entries(after).flatMap(([name, count]) => {
    const grown = count - (before[name] ?? 0)
    return grown > 5 ? [`${name}: ${before[name]} before, ${count} after`] : []
  })
  return {
    problems,
    detail: Object.entries(after)
      .map(([name, count]) => `${name} ${before[name]} → ${count}`)
      .join(', '),
  }
}
