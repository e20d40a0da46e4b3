import fc from 'fast-check'
import { RootlessError } from 'rootless-runtime'
import { describe, expect, test } from 'vitest'
import { parseMount, parseTmpfs, parseVolume } from '../src/containers/parse-mount.ts'
import { parsePort } from '../src/containers/parse-port.ts'
import { parseNumber, parseSeconds, parseSize } from '../src/containers/parse-size.ts'
import { toError } from './to-error.ts'

const HOSTILE = ['', ' ', '\u001b[2J', 'a\nb', '\u0000', '64m\n', '-', '--', '\u202e80', '８０', 'NaN', 'Infinity', '0x10', '1e3']

describe('sizes', () => {
  test.each([
    ['64m', 64 * 1024 ** 2],
    ['1g', 1024 ** 3],
    ['1.5g', 1.5 * 1024 ** 3],
    ['512k', 512 * 1024],
    ['64M', 64 * 1024 ** 2],
    ['64mb', 64 * 1024 ** 2],
    ['64MiB', 64 * 1024 ** 2],
    ['1048576', 1024 ** 2],
    ['10b', 10],
    ['0', 0],
    ['1.1k', 1126],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseSize('--memory', text)).toBe(bytes)
  })

  test.each([...HOSTILE, '-1', '64x', '64 m', 'm', '1..5g', '.5g', '999999999t'])('%j is no size', (text) => {
    const error = toError(() => parseSize('--memory', text))
    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(error.message).toMatch(/^--memory ".*": a size is/u)
    // oxlint-disable-next-line no-control-regex -- what a terminal would obey is what must not be there
    expect(error.message).not.toMatch(/[\u0000-\u001f\u202e]/u)
  })

  test.each([...HOSTILE, '1,5', '٣'])('%j is no number', (text) => {
    expect(toError(() => parseNumber('--cpus', text)).code).toBe('INVALID_ARGUMENT')
  })

  test('seconds have an end', () => {
    expect(parseSeconds('-t', '1.5')).toBe(1500)
    expect(toError(() => parseSeconds('-t', '1000000')).code).toBe('INVALID_ARGUMENT')
    expect(toError(() => parseSeconds('-t', '-1')).code).toBe('INVALID_ARGUMENT')
  })
})

describe('ports', () => {
  test.each([
    ['80', { container: 80 }],
    ['8080:80', { container: 80, host: 8080 }],
    ['8080:80/tcp', { container: 80, host: 8080, protocol: 'tcp' }],
    ['53:53/udp', { container: 53, host: 53, protocol: 'udp' }],
    ['127.0.0.1:8080:80', { container: 80, host: 8080, address: '127.0.0.1' }],
    ['127.0.0.1::80/udp', { container: 80, address: '127.0.0.1', protocol: 'udp' }],
    ['0.0.0.0:8080:80', { container: 80, host: 8080, address: '0.0.0.0' }],
    ['[::1]:8080:80', { container: 80, host: 8080, address: '::1' }],
    ['[::1]::80', { container: 80, address: '::1' }],
    ['8000-8003:9000-9003', { container: 9000, host: 8000, count: 4 }],
    ['9000-9003', { container: 9000, count: 4 }],
    ['0:80', { container: 80 }],
    ['65536:0', { container: 0, host: 65_536 }],
  ])('%s', (text, expected) => {
    expect(parsePort(text)).toEqual(expected)
  })

  test.each([
    ...HOSTILE,
    ':',
    '::',
    ':80',
    ':8080:80',
    '8080:',
    '80/',
    '80/sctp',
    '80/TCP',
    '1:2:3:4',
    '::1:8080:80',
    '[::1]',
    '[127.0.0.1]:80:80',
    'localhost:8080:80',
    '256.0.0.1:80:80',
    '8000-8003:80',
    '8003-8000:9003-9000',
    '80-',
    '-80',
    '99999999999999999999',
  ])('%j is no port', (text) => {
    expect(toError(() => parsePort(text))).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(/^-p "/u) })
  })

  test('anything at all is ports or a refusal', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d:[\]./-]{0,20}(?:udp|tcp)?$/u)), (text) => {
        try {
          const { container, host, count = 1 } = parsePort(text)
          expect([container, host ?? 1, count].every((number) => Number.isSafeInteger(number) && number >= 0)).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(RootlessError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('mounts', () => {
  const place = { folder: '/home/moby' }

  test.each([
    ['/a:/b', { source: '/a', target: '/b', access: 'rw' }],
    ['/a:/b:ro', { source: '/a', target: '/b', access: 'ro' }],
    ['/a:/b:me', { source: '/a', target: '/b', access: 'rw', owner: 'me' }],
    ['/a:/b:ro,me', { source: '/a', target: '/b', access: 'ro', owner: 'me' }],
    ['./a:/b', { source: '/home/moby/a', target: '/b', access: 'rw' }],
    ['.:/b', { source: '/home/moby', target: '/b', access: 'rw' }],
    ['../a:/b', { source: '/home/a', target: '/b', access: 'rw' }],
    ['data:/b', { kind: 'volume', volume: 'data', target: '/b', access: 'rw' }],
    ['data:/b:ro', { kind: 'volume', volume: 'data', target: '/b', access: 'ro' }],
  ])('-v %s', (text, expected) => {
    expect(parseVolume(text, place)).toEqual(expected)
  })

  test.each(['', ':', '/a', '/a:', ':/b', '/a:/b:z', '/a:/b:ro:rw', '/a:/b:ro,exec', 'data:/b:me', '\u0000'])(
    '-v %j is refused',
    (text) => {
      expect(toError(() => parseVolume(text, place)).code).toBe('INVALID_ARGUMENT')
    },
  )

  test.each([
    ['type=bind,source=/a,target=/b', { source: '/a', target: '/b', access: 'rw' }],
    ['type=bind,src=a,dst=/b,readonly', { source: '/home/moby/a', target: '/b', access: 'ro' }],
    ['type=bind,src=/a:1,dst=/b,ro=true,owner=me', { source: '/a:1', target: '/b', access: 'ro', owner: 'me' }],
    ['type=bind,"src=/with,comma",dst=/b', { source: '/with,comma', target: '/b', access: 'rw' }],
    ['type=bind,"src=/with ""quotes""",dst=/b', { source: '/with "quotes"', target: '/b', access: 'rw' }],
    ['source=data,target=/b', { kind: 'volume', volume: 'data', target: '/b', access: 'rw' }],
    ['type=tmpfs,target=/b,tmpfs-size=64m', { kind: 'tmpfs', target: '/b', sizeBytes: 64 * 1024 ** 2 }],
  ])('--mount %s', (text, expected) => {
    expect(parseMount(text, place)).toEqual(expected)
  })

  test.each([
    '',
    'type=bind',
    'type=bind,target=/b',
    'type=volume,target=/b',
    'type=npipe,target=/b',
    'source=/a,source=/c,target=/b',
    'target=/b,__proto__=1',
    'type=bind,src=/a,dst=/b,ro=perhaps',
    'type=volume,src=a,dst=/b,owner=me',
    'type=bind,src=/a,dst=/b,owner=root',
    'type=bind,"src=/a,dst=/b',
  ])('--mount %j is refused', (text) => {
    expect(toError(() => parseMount(text, place)).code).toBe('INVALID_ARGUMENT')
  })

  test('--tmpfs', () => {
    expect(parseTmpfs('/run')).toEqual({ kind: 'tmpfs', target: '/run' })
    expect(parseTmpfs('/run:size=1m')).toEqual({ kind: 'tmpfs', target: '/run', sizeBytes: 1024 ** 2 })
    expect(toError(() => parseTmpfs('/run:exec')).code).toBe('INVALID_ARGUMENT')
  })
})
