import { describe, expect, test } from 'vitest'
import { toLogOptions } from '../src/commands/logs.ts'
import { parseCopyPlace, splitPath } from '../src/containers/copy-paths.ts'
import { hearsSignal } from '../src/containers/hears-signal.ts'
import { listFileVariables, parseLabels, parseVariables } from '../src/containers/parse-environment.ts'
import { listNeededLimits, parseLimits } from '../src/containers/parse-limits.ts'
import { toContainerOptions } from '../src/containers/to-container-options.ts'
import { toError } from './to-error.ts'

describe('variables and labels', () => {
  test('a value is what stands behind the first =, or what this process has', () => {
    expect(parseVariables('-e', ['A=1', 'B=x=y', 'C=', 'D', 'E'], { D: 'ours' })).toEqual({ A: '1', B: 'x=y', C: '', D: 'ours' })
  })

  test('the last of one name counts, and a strange name is a name', () => {
    expect(parseVariables('-e', ['A=1', 'A=2', 'constructor=x'], {})).toEqual({ A: '2', constructor: 'x' })
    expect(Object.hasOwn(parseVariables('-e', ['__proto__=x'], {}), '__proto__')).toBe(true)
  })

  test.each(['', '=', '=x'])('%j has no name', (text) => {
    expect(toError(() => parseVariables('-e', [text], {})).code).toBe('INVALID_ARGUMENT')
    expect(toError(() => parseLabels([text])).code).toBe('INVALID_ARGUMENT')
  })

  test('a file of variables is read as Docker reads it: nothing is unquoted', () => {
    expect(listFileVariables('\uFEFFA=1\r\n\n  # no\n  B="2"\nC\n')).toEqual(['A=1', 'B="2"', 'C'])
  })

  test('labels', () => {
    expect(parseLabels(['a=b', 'c', 'd=e=f'])).toEqual({ a: 'b', c: '', d: 'e=f' })
  })
})

describe('limits', () => {
  test('swap is beside memory for us, and on top of it for Docker', () => {
    expect(parseLimits({ memory: '64m', memorySwap: '96m' })).toEqual({ memoryBytes: 64 * 1024 ** 2, swapBytes: 32 * 1024 ** 2 })
    expect(parseLimits({ memory: '64m', memorySwap: '64m' })).toMatchObject({ swapBytes: 0 })
  })

  test.each([{ memorySwap: '64m' }, { memory: '64m', memorySwap: '32m' }, { memory: '64m', memorySwap: '-1' }])(
    '%j is refused',
    (words) => {
      expect(toError(() => parseLimits(words)).code).toBe('INVALID_ARGUMENT')
    },
  )

  test('what is senseless is passed on, to be refused where it is for every caller', () => {
    expect(parseLimits({ cpus: '-1', pidsLimit: '0' })).toEqual({ cpus: -1, pids: 0 })
    expect(parseLimits({ pidsLimit: '-1', ifUnenforceable: 'throw' })).toBeUndefined()
  })

  test('what an engine must apply: nothing when a warning is enough', () => {
    const limits = { memoryBytes: 1, swapBytes: 1, cpus: 1, pids: 1, cpuset: '0', ioWeight: 10 }
    expect(listNeededLimits(limits)).toEqual(['memory', 'cpu', 'pids', 'cpuset', 'io'])
    expect(listNeededLimits({ ...limits, ifUnenforceable: 'warn' })).toEqual([])
    expect(listNeededLimits(undefined)).toEqual([])
  })
})

test('a container is owned by this process only when it goes with it', async () => {
  const owners = await Promise.all(
    [{}, { rm: true }, { detach: true }, { rm: true, detach: true }].map((words) =>
      toContainerOptions('bb', [], words, { environment: {} }),
    ),
  )
  expect(owners.map(({ owner }) => owner)).toEqual(['nobody', 'process', 'nobody', 'nobody'])
})

test('options are what was typed, and nothing else', async () => {
  expect(await toContainerOptions('bb', [], {}, { environment: {} })).toEqual({ image: 'bb', owner: 'nobody' })
  const words = {
    entrypoint: '',
    capDrop: ['cap_net_raw', 'ALL'],
    volume: ['/a:/b', 'v:/c'],
    volumeOwner: 'me' as const,
    tty: true,
    interactive: true,
  }
  expect(await toContainerOptions('bb', ['a', '-b'], words, { environment: {} })).toEqual({
    image: 'bb',
    command: ['a', '-b'],
    entrypoint: [],
    dropCapabilities: ['NET_RAW', 'ALL'],
    mounts: [
      { source: '/a', target: '/b', access: 'rw', owner: 'me' },
      { kind: 'volume', volume: 'v', target: '/c', access: 'rw' },
    ],
    terminal: true,
    stdin: true,
    owner: 'nobody',
  })
})

test.each([[{ envFile: ['/nonexistent'] }], [{ secret: ['a=/nonexistent'] }], [{ secret: ['=x'] }], [{ secret: ['x'] }]])(
  '%j is refused with what it was for',
  async (words) => {
    await expect(toContainerOptions('bb', [], words, { environment: {} })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/^--/u),
    })
  },
)

test.each([
  ['web:/etc', { kind: 'container', container: 'web', path: '/etc' }],
  ['web:etc', { kind: 'container', container: 'web', path: '/etc' }],
  ['web:/a:b', { kind: 'container', container: 'web', path: '/a:b' }],
  ['/a:b', { kind: 'local', path: '/a:b' }],
  ['./a:b', { kind: 'local', path: './a:b' }],
  ['a', { kind: 'local', path: 'a' }],
  ['-', { kind: 'stream' }],
])('cp %s', (text, expected) => {
  expect(parseCopyPlace(text)).toEqual(expected)
})

test.each([
  ['/a/b', '/a', 'b'],
  ['/a/b/', '/a', 'b'],
  ['/a', '/', 'a'],
  ['/', '/', ''],
  ['a', '.', 'a'],
  ['/a/..', '/a', ''],
])('%s is in %s', (path, folder, name) => {
  expect(splitPath(path)).toEqual({ folder, name })
})

describe('a signal to the first process inside', () => {
  const status = (caught: string, blocked: string): string =>
    `Name:\tsleep\nSigBlk:\t${blocked}\nSigIgn:\t0000000000000000\nSigCgt:\t${caught}\n`
  const NONE = '0000000000000000'

  test.each([
    ['has no handler', status(NONE, NONE), false],
    ['has one', status('0000000000004000', NONE), true],
    ['is waited for', status(NONE, '0000000000004000'), true],
    ['has one for another', status('0000000000000002', NONE), false],
    ['is not told of', 'Name:\tsleep\n', true],
  ])('%s', (_, text, expected) => {
    expect(hearsSignal(text, 'SIGTERM')).toBe(expected)
  })
})

describe('which part of the log', () => {
  const now = new Date('2026-01-31T12:00:00Z')

  test.each([
    [{ since: '10m' }, { since: new Date('2026-01-31T11:50:00Z') }],
    [{ since: '2026-01-31T11:00:00Z' }, { since: new Date('2026-01-31T11:00:00Z') }],
    [{ since: '1769860800' }, { since: new Date('2026-01-31T12:00:00Z') }],
    [{ tail: 'all' }, {}],
    [
      { tail: '0', follow: true },
      { tailLines: 0, follow: true },
    ],
  ])('%j', (words, expected) => {
    expect(toLogOptions(words, now)).toEqual(expected)
  })

  test.each([{ since: 'yesterday' }, { since: '2026-13-01' }, { since: '1' + '0'.repeat(30) + 'd' }, { tail: 'x' }])(
    '%j is refused',
    (words) => {
      expect(toError(() => toLogOptions(words, now)).code).toBe('INVALID_ARGUMENT')
    },
  )
})
