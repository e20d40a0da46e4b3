import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { HostCondition, Report } from 'rootless-runtime'
import { afterAll, describe, expect, test } from 'vitest'
import { createReport } from '../../../packages/core/test/fixtures.ts'
import { compare, type CompareOptions } from '../src/commands/compare.ts'
import { inspect } from '../src/commands/inspect.ts'
import { createIo } from './fake-io.ts'

const report = createReport()
const OPTIONS: CompareOptions = { format: 'table', timeout: 10 }
const ask = async (): Promise<Report> => report

const folder = mkdtempSync(join(tmpdir(), 'rootless-cli-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each([76, 80, 100, 200])('a table for %i columns is no wider', async (columns) => {
  const { io, out } = createIo({ columns })
  await compare(OPTIONS, io, ask)
  const widths = out()
    .split('\n')
    .filter((line) => /^[┌│├└]/u.test(line))
    .map((line) => [...line].length)
  expect(widths.length).toBeGreaterThan(10)
  expect(Math.max(...widths)).toBeLessThanOrEqual(columns)
})

test('a narrow terminal gets one block per engine', async () => {
  const { io, out } = createIo({ columns: 50 })
  await compare(OPTIONS, io, ask)
  expect(out()).not.toMatch(/[┌│]/u)
  expect(out()).toMatch(/^Docker$/mu)
  expect(out()).toMatch(/^LXC$/mu)
})

test.each<[string, Readonly<Record<string, string>>, boolean, boolean]>([
  ['a terminal', {}, true, true],
  ['a pipe', {}, false, false],
  ['a terminal with NO_COLOR', { NO_COLOR: '1' }, true, false],
  ['a terminal with an empty NO_COLOR', { NO_COLOR: '' }, true, true],
  ['a dumb terminal', { TERM: 'dumb' }, true, false],
  ['a pipe with FORCE_COLOR', { FORCE_COLOR: '1' }, false, true],
  ['both, of which NO_COLOR wins', { FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
])('%s', async (_, environment, isTerminal, coloured) => {
  const { io, out } = createIo({ environment, isTerminal })
  await compare(OPTIONS, io, ask)
  expect(stripVTControlCharacters(out()) !== out()).toBe(coloured)
})

test.each([
  ['de_DE.UTF-8', true],
  ['C.UTF-8', true],
  ['POSIX', false],
  ['en_US.ISO-8859-1', false],
])('a locale %s has signs of its own: %s', async (locale, unicode) => {
  const { io, out } = createIo({ environment: { LC_ALL: locale } })
  await compare(OPTIONS, io, ask)
  expect(/[✔✘┌]/u.test(out())).toBe(unicode)
})

describe('formats', () => {
  test('JSON is the report itself', async () => {
    const { io, out } = createIo()
    await compare({ ...OPTIONS, format: 'json' }, io, ask)
    expect(JSON.parse(out())).toEqual(JSON.parse(JSON.stringify(report)))
  })

  test('Markdown is a table with a column for each engine, and what is foreign is escaped', async () => {
    const tricky = structuredClone(report)
    const { io, out } = createIo()
    const [first] = tricky.engines
    Object.assign(first?.availability ?? {}, { version: '1|2<script>*_`' })
    await compare({ ...OPTIONS, format: 'markdown' }, io, async () => tricky)
    const rows = out()
      .split('\n')
      .filter((line) => line.startsWith('|'))
    for (const row of rows) expect(row.replaceAll(String.raw`\|`, '').split('|')).toHaveLength(6)
    expect(out()).not.toContain('<script>')
  })

  test('the article has exactly its three rows', async () => {
    const { io, out } = createIo()
    await compare({ ...OPTIONS, format: 'markdown', article: true }, io, ask)
    expect([...out().matchAll(/^\| \*\*(\w+)\*\*/gmu)].map(([, title]) => title)).toEqual(['Networking', 'Storage', 'Cgroups'])
  })

  test('an absent engine shows the next command, for the user who looked', async () => {
    const { io, out } = createIo()
    await compare(OPTIONS, io, ask)
    const fix = report.engines.flatMap(({ availability }) => (availability.status === 'unavailable' ? [availability.fix] : []))[0]
    expect(fix?.commands[0]?.[0]).toBeDefined()
    expect(out()).toContain(fix?.commands[0]?.at(-1))
  })
})

test('what will hurt on this host stands below the table, with what to type', async () => {
  const fix = { summary: 'let it live', commands: [['loginctl', 'enable-linger', 'moby']], needsRoot: true, undo: '', check: [] }
  const condition: HostCondition = { name: 'no-linger', message: 'moby does not linger', source: 'linger', fix }
  const hurt: Report = { ...report, host: { ...report.host, conditions: [condition] } }
  const { io, out } = createIo()
  await compare(OPTIONS, io, async () => hurt)
  expect(out()).toMatch(/What will hurt\n.*moby does not linger\n(?:.*\n)*.*sudo loginctl enable-linger moby/u)
})

describe('exit codes', () => {
  const only = (status: string): Report => ({
    ...report,
    engines: report.engines.filter((each) => each.availability.status === status),
  })

  test.each<[string, Partial<CompareOptions>, Report, number]>([
    ['a whole report is 0', {}, report, 0],
    ['an absent engine is an answer', { engine: ['podman'] }, only('unavailable'), 0],
    ['a named engine that nobody could ask is 3', { engine: ['lxc'] }, only('unknown'), 3],
    ['no engine that could be asked is 3', {}, only('unknown'), 3],
    ['a requirement that no engine meets is 1', { require: 'networking=vpnkit' }, report, 1],
  ])('%s', async (_, change, asked, code) => {
    const { io } = createIo()
    expect(await compare({ ...OPTIONS, ...change }, io, async () => asked)).toBe(code)
  })

  test('what is lacking is said on stderr, a line per engine', async () => {
    const { io, out, error } = createIo()
    await compare({ ...OPTIONS, format: 'json', require: 'networking=vpnkit' }, io, ask)
    expect(error().trim().split('\n')).toHaveLength(report.engines.length)
    expect(() => JSON.parse(out())).not.toThrow()
  })

  test('a requirement in words that nobody knows is refused before anybody is asked', async () => {
    const asked: string[] = []
    const { io } = createIo()
    const attempt = compare({ ...OPTIONS, require: 'network=pasta' }, io, async () => {
      asked.push('asked')
      return report
    })
    await expect(attempt).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(asked).toEqual([])
  })

  test('inspect of an engine that nobody could ask is 3', async () => {
    const { io, out } = createIo()
    expect(await inspect('lxc', { format: 'text', timeout: 1 }, io, async () => only('unknown'))).toBe(3)
    expect(out()).toContain('unknown')
  })
})

describe('--output', () => {
  test('writes the file and prints nothing', async () => {
    const path = join(folder, 'report.json')
    const { io, out } = createIo()
    await compare({ ...OPTIONS, format: 'json', output: path }, io, ask)
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ reportVersion: 1 })
    expect(out()).toBe('')
  })

  test('has no colours, whatever the terminal', async () => {
    const path = join(folder, 'matrix.txt')
    const { io } = createIo({ isTerminal: true })
    await compare({ ...OPTIONS, output: path }, io, ask)
    expect(readFileSync(path, 'utf8')).not.toMatch(/\u001b/u)
  })

  test('a link stays a link', async () => {
    writeFileSync(join(folder, 'target'), 'old')
    symlinkSync('target', join(folder, 'link'))
    const { io } = createIo()
    await compare({ ...OPTIONS, format: 'json', output: join(folder, 'link') }, io, ask)
    expect(readFileSync(join(folder, 'target'), 'utf8')).toContain('reportVersion')
  })

  test.each(['/nonexistent/report.json', '/dev/full'])(
    '%s is refused with what the system said, and leaves nothing',
    async (path) => {
      const before = readdirSync(folder)
      const { io } = createIo()
      await expect(compare({ ...OPTIONS, format: 'json', output: path }, io, ask)).rejects.toMatchObject({ code: 'HOST_REFUSED' })
      expect(readdirSync(folder)).toEqual(before)
    },
  )
})
