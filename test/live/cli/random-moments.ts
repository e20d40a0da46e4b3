import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { buildImage } from '../image.ts'
import { LABEL, listLeft, mustRootless, start, type Ended } from './rootless.ts'

// SIGINT and SIGTERM of `rootless run --rm` at random moments: how many containers are left. Too long for every test run:
//   node --conditions=@rootless-runtime/source test/live/cli/random-moments.ts ENGINE [MOMENTS] [LONGEST_MS]

const [engine = 'docker', moments = '200', longest = '2500'] = process.argv.slice(2)
const AT_ONCE = 3
const image = `rootless-moments-${process.pid}:1`

/** What is run: something that ends when told, something that cannot hear, something that reads, and something short. */
const COMMANDS: readonly (readonly string[])[] = [
  ['sh', '-c', 'trap "exit 0" TERM INT; while :; do sleep 0.1; done'],
  ['sleep', '100'],
  ['cat'],
  ['sh', '-c', 'exit 0'],
]
const SIGNALS = ['SIGINT', 'SIGTERM'] as const

interface Moment {
  readonly afterMs: number
  readonly signal: (typeof SIGNALS)[number]
  readonly end: string
}

async function tryMoment(index: number): Promise<Moment> {
  const command = COMMANDS[index % COMMANDS.length] ?? []
  const signal = SIGNALS[Math.floor(index / COMMANDS.length) % SIGNALS.length] ?? 'SIGINT'
  const afterMs = Math.round(Math.random() * Number(longest))
  const interactive = command[0] === 'cat' ? ['-i'] : []
  const { child, ended } = start(['run', '--engine', engine, '--rm', '-l', LABEL, ...interactive, image, ...command])
  setTimeout(() => child.kill(signal), afterMs)
  return { afterMs, signal, end: await ended.then(toEnd, (error: unknown) => String(error)) }
}

function toEnd({ code, stderr }: Ended): string {
  return code === 0 || code === 130 || code === 143 ? String(code) : `${code}: ${stderr.trim().slice(0, 300)}`
}

async function main(): Promise<void> {
  const folder = await buildImage()
  await mustRootless('load', '--engine', engine, '--reference', image, join(folder, 'image.tar'))
  rmSync(folder, { recursive: true, force: true })
  const begun = Date.now()
  let next = 0
  const tried: Moment[] = []
  const work = async (): Promise<void> => {
    while (next < Number(moments)) tried.push(await tryMoment(next++))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  const left = await listLeft(engine)
  const ends = Map.groupBy(tried, ({ end }) => end)
  process.stdout.write(
    `${JSON.stringify({
      engine,
      moments: tried.length,
      seconds: Math.round((Date.now() - begun) / 1000),
      left,
      ends: Object.fromEntries([...ends].map(([end, those]) => [end, those.length])),
    })}\n`,
  )
  await removeImage()
  if (left.length > 0) process.exitCode = 1
}

async function removeImage(): Promise<void> {
  const { listRuntimes, ENGINE_NAMES } = await import('rootless-runtime')
  const runtimes = await listRuntimes({ engines: ENGINE_NAMES.filter((name) => name === engine) })
  for (const { images } of runtimes) await images.remove(image)
}

await main()
