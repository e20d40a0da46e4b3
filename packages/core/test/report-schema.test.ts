import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { RootlessError, type Report } from '../src/index.ts'
import { parseReport, reportSchema, toReportJsonSchema } from '../src/schema.ts'
import { createReport } from './fixtures.ts'

const report = createReport()
const text = JSON.stringify(report)

function refusal(input: string): RootlessError {
  try {
    parseReport(input)
  } catch (error) {
    if (error instanceof RootlessError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

test('a report written as JSON is read back unchanged', () => {
  expect(parseReport(text)).toStrictEqual(report)
})

test('a report that was read and written again is the same text', () => {
  expect(JSON.stringify(parseReport(text))).toBe(text)
})

test('a newer tool may add keys: they are left out', () => {
  expect(parseReport(JSON.stringify({ ...report, future: true }))).toStrictEqual(report)
})

test.each([
  ['cut', text.slice(0, 500), 'not JSON'],
  ['empty', '', 'not JSON'],
  ['a table and not JSON', '| Docker | Podman |', 'not JSON'],
  ['another JSON', '{"Driver":"overlay2"}', 'not a report of version 1'],
  ['null', 'null', 'not a report of version 1'],
  ['a list', '[]', 'not a report of version 1'],
  ['of another version', JSON.stringify({ ...report, reportVersion: 2 }), 'reportVersion'],
  ['of a time that is none', JSON.stringify({ ...report, createdAt: 'yesterday' }), 'createdAt'],
  ['without its host', JSON.stringify({ ...report, host: undefined }), 'host'],
  ['with an engine that we do not know', text.replace('"engine":"lxc"', '"engine":"jail"'), 'engine'],
  ['with a driver that we do not know', text.replaceAll('"value":"slirp4netns"', '"value":"magic"'), 'driver'],
  ['with a status that we do not know', text.replace('"status":"supported"', '"status":"maybe"'), 'status'],
  ['with a finding without evidence', text.replace('"evidence":"info: network = slirp4netns"', '"proof":1'), 'evidence'],
  ['without a tool of our vocabulary', text.replace('"vpnkit":{"status":"known"', '"vpnkat":{"status":"known"'), 'vpnk'],
])('a text that is %s is refused and says what is wrong', (_, input, words) => {
  const error = refusal(input)
  expect(error.code).toBe('INVALID_ARGUMENT')
  expect(error.message).toContain(words)
  expect(error.cause).toBeDefined()
})

test('control characters of a report that is refused reach no message', () => {
  expect(refusal('\u001b[31m{').message).not.toMatch(/\p{Cc}/u)
  expect(refusal(text.replace('"engine":"lxc"', '"engine":"\\u001b[31m"')).message).not.toMatch(/\p{Cc}/u)
})

test('a huge text that is no report has a short message', () => {
  const strange = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`key ${index}`, {}]))
  const { host } = report
  expect(refusal(JSON.stringify({ ...report, host: { ...host, tools: strange } })).message.length).toBeLessThan(2500)
})

test('any text is a report or INVALID_ARGUMENT', () => {
  const cut = fc.nat({ max: text.length - 1 }).map((length) => text.slice(0, length))
  const damaged = fc
    .tuple(fc.nat({ max: text.length - 1 }), fc.string({ unit: 'binary', maxLength: 5 }))
    .map(([place, rubbish]) => text.slice(0, place) + rubbish + text.slice(place + 1))
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), cut, damaged), (input) => {
      try {
        expect(parseReport(input).reportVersion).toBe(1)
      } catch (error) {
        expect(error).toBeInstanceOf(RootlessError)
        expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
      }
    }),
    { numRuns: 2000 },
  )
})

test('a value of another type in any one place is refused', () => {
  const paths = listPaths(report, [])
  expect(paths.length).toBeGreaterThan(200)
  const accepted = paths.filter((path) => reportSchema.safeParse(withValue(report, path, { strange: true })).success)
  expect(accepted).toEqual([])
})

type Path = readonly string[]

/** Every place of a JSON value that holds no object and no list. */
function listPaths(value: unknown, path: Path): readonly Path[] {
  if (typeof value !== 'object' || value === null) return value === null ? [] : [path]
  return Object.entries(value).flatMap(([key, each]) => listPaths(each, [...path, key]))
}

function withValue(value: unknown, [key, ...rest]: Path, replacement: unknown): unknown {
  if (key === undefined) return replacement
  if (Array.isArray(value)) return value.map((each, index) => (String(index) === key ? withValue(each, rest, replacement) : each))
  const object = typeof value === 'object' && value !== null ? value : {}
  return { ...object, [key]: withValue(Reflect.get(object, key), rest, replacement) }
}

describe('the JSON Schema of a report', () => {
  const schema = toReportJsonSchema()

  test('is one of draft 2020-12, with a title and a description', () => {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'rootless-runtime report',
      description: expect.any(String),
      type: 'object',
    })
  })

  test('is plain JSON', () => {
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  })

  test.each<readonly [string, Path, object]>([
    ['a report', [], report],
    ['the host', ['host'], report.host],
    ['the user', ['host', 'user'], report.host.user],
    ['the cgroups of the host', ['host', 'cgroup'], report.host.cgroup],
    ['the session', ['host', 'session'], report.host.session],
  ])('names and requires every property of %s', (_, path, value) => {
    const place = path.reduce<unknown>((each, key) => property(property(each, 'properties'), key), schema)
    expect(Object.keys(toObject(property(place, 'properties')))).toEqual(Object.keys(value))
    expect(property(place, 'required')).toEqual(Object.keys(value))
  })

  test('accepts a report, and refuses what the parser refuses', () => {
    const check = z.fromJSONSchema(JSON.parse(JSON.stringify(schema)))
    expect(check.safeParse(report).error).toBeUndefined()
    expect(check.safeParse({ ...report, reportVersion: 2 }).success).toBe(false)
    const wrong: unknown = { ...report, engines: report.engines.map((each) => ({ ...each, engine: 'jail' })) }
    expect(check.safeParse(wrong).success).toBe(false)
    expect(check.safeParse({}).success).toBe(false)
  })
})

function property(value: unknown, key: string): unknown {
  return Reflect.get(toObject(value), key)
}

function toObject(value: unknown): object {
  if (typeof value === 'object' && value !== null) return value
  throw new Error(`${JSON.stringify(value)} is no object`)
}

test('the fixture is what the type says, whichever way it is read', () => {
  const parsed: Report = reportSchema.parse(report)
  expect(parsed).toStrictEqual(report)
})
