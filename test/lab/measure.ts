import { join } from 'node:path'
import { ensureImage } from './build-image.ts'
import { readResidentMebibytes, timeCommands } from './figures.ts'
import { chooseAccelerator, ensureTools } from './machine.ts'
import { RELEASES, type GuestKind, type Release } from './releases.ts'
import { prepareGuest, startGuest } from './start-guest.ts'

// `LAB_CACHE=EMPTY node test/lab/measure.ts [RELEASE...]`: what each step of the lab takes, as the table of docs/lab.md. What the
// cache has already is not built, and so not measured.

const DIST = join(import.meta.dirname, '../../apps/compare/dist')
const say = (line: string): void => void process.stderr.write(`${line}\n`)

interface Timed<Value> {
  readonly value: Value
  readonly seconds: number
}

async function time<Value>(what: string, act: () => Promise<Value>): Promise<Timed<Value>> {
  const started = performance.now()
  const value = await act()
  const seconds = (performance.now() - started) / 1000
  say(`${what}: ${seconds.toFixed(1)} s`)
  return { value, seconds }
}

/** Each step of one release, by its name. */
async function measure(release: Release): Promise<Readonly<Record<string, string>>> {
  const kind: GuestKind = { release, configuration: 'delegate' }
  const seconds = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} s`
  const build = await time(`${release}: build`, () => ensureImage(release, false, { onProgress: say }))
  const boot = await time(`${release}: boot`, () => startGuest({ ...kind, frozen: false }))
  await boot.value.stop()
  const freeze = await time(`${release}: freeze`, () => prepareGuest({ ...kind, onProgress: say }))
  const resume = await time(`${release}: resume`, () => startGuest(kind))
  await using guest = resume.value
  const compare = await time(`${release}: first compare`, async () => {
    await guest.send(DIST, '/project/dist')
    return guest.must('node /project/dist/main.js compare')
  })
  const resumedMebibytes = readResidentMebibytes(guest)
  const commands = await timeCommands(guest)
  return {
    build: build.value.made ? seconds(build.seconds) : 'cached',
    'boot to ssh': seconds(boot.seconds),
    'boot, warm up and freeze': seconds(freeze.seconds),
    'frozen state to a guest with engines': seconds(resume.seconds),
    'from there to the end of the first `compare`': seconds(compare.seconds),
    ...Object.fromEntries(Object.entries(commands).map(([line, took]) => [`\`${line}\``, seconds(took)])),
    'memory of its qemu, resumed, and after these': `${resumedMebibytes} and ${readResidentMebibytes(guest)} MiB`,
  }
}

async function main(names: readonly string[]): Promise<void> {
  await ensureTools(say)
  const releases = RELEASES.filter((release) => names.length === 0 || names.includes(release))
  const columns: Readonly<Record<string, string>>[] = []
  for (const release of releases) columns.push(await measure(release))
  const lines = [
    `| ${chooseAccelerator().name} | ${releases.join(' | ')} |`,
    `| --- |${' --- |'.repeat(releases.length)}`,
    ...Object.keys(columns[0] ?? {}).map((step) => `| ${step} | ${columns.map((column) => column[step]).join(' | ')} |`),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

await main(process.argv.slice(2))
