import { spawnSync } from 'node:child_process'
import type { RuntimeEnvironment } from 'rootless-runtime'
import { describe, expect, test } from 'vitest'
import { renderShell } from '../src/commands/env.ts'
import { describePort, renderContainers, toShortId, type ListedContainer } from '../src/render/containers.ts'
import { renderAge, renderBytes, renderColumns } from '../src/render/columns.ts'
import { renderStats } from '../src/render/stats.ts'
import { createStyle } from '../src/render/style.ts'

const style = createStyle({ colours: false, unicode: true })
const now = new Date('2026-01-31T12:00:00Z')

const container: ListedContainer = {
  engine: 'podman',
  id: 'a'.repeat(64),
  name: 'web',
  status: 'running',
  image: 'busybox',
  imageId: '',
  commandLine: `sh -c ${'\u001b[2Jevil\n'.repeat(20)}`,
  labels: {},
  createdAt: new Date('2026-01-31T11:00:00Z'),
  exitCode: null,
  ports: [{ container: 80, host: 8080, protocol: 'tcp', address: '127.0.0.1' }],
  network: 'default',
}

test('containers are a line each, and what is foreign rewrites no terminal', () => {
  const text = renderContainers([container, { ...container, name: 'x\u001b]0;t\u0007\n' }], style, now)
  expect(text.split('\n')).toHaveLength(3)
  // oxlint-disable-next-line no-control-regex -- what a terminal would obey is what must not be there
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/u)
  expect(text).toContain('podman  aaaaaaaaaaaa  web')
  expect(text).toContain('1 h ago')
  expect(text).toContain('running')
  expect(text).toContain('127.0.0.1:8080->80/tcp')
})

test.each([
  [{ status: 'ended', exitCode: 3 }, 'ended (3)'],
  [{ status: 'ended', exitCode: null }, 'ended (?)'],
  [{ status: 'created' }, '1 h ago  created'],
] as const)('%j', (change, expected) => {
  expect(renderContainers([{ ...container, ...change }], style, now)).toContain(expected)
})

test('columns are as wide as their longest cell, and the last one is not filled', () => {
  expect(renderColumns(['A', 'B'], [['xxx', 'y']], style)).toBe('A    B\nxxx  y')
  expect(renderColumns(['A', 'B'], [], style)).toBe('A  B')
})

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [1.5 * 1024 ** 3, '1.5 GiB'],
])('%i bytes', (bytes, expected) => {
  expect(renderBytes(bytes)).toBe(expected)
})

test('a clock that was set back is no negative age', () => {
  expect(renderAge(new Date('2026-02-01T00:00:00Z'), now)).toBe('0 s')
})

test('ids, and an address of IPv6', () => {
  expect(toShortId(`sha256:${'b'.repeat(64)}`)).toBe('b'.repeat(12))
  expect(toShortId('an lxc name')).toBe('an lxc name')
  expect(describePort({ container: 80, host: 1, protocol: 'udp', address: '::1' })).toBe('[::1]:1->80/udp')
})

test('what is unknown says so, with each reason once', () => {
  const none = { status: 'unknown', reason: 'it has no cgroup of its own', source: '/proc' } as const
  const stats = {
    memoryBytes: { status: 'known', value: 1024, source: 'memory.current' } as const,
    memoryLimitBytes: { status: 'known', value: null, source: 'memory.max' } as const,
    cpuMicroseconds: none,
    pids: none,
    ioReadBytes: none,
    ioWriteBytes: none,
    networkReceivedBytes: none,
    networkSentBytes: none,
  }
  const text = renderStats([{ time: now, engine: 'lxc', id: 'a', name: 'a', cpus: null, stats }], style)
  expect(text).toMatch(/lxc\s+a\s+unknown\s+1 KiB\s+none\s+unknown/u)
  expect(text.match(/it has no cgroup of its own/gu)).toHaveLength(1)
})

describe('rootless env for a shell', () => {
  const environment: RuntimeEnvironment = {
    engine: 'docker',
    clientSocket: '/x',
    engineSocket: '/x',
    contexts: ['rootless'],
    variables: [
      { name: 'DOCKER_HOST', value: 'unix:///a b/$(touch /tmp/evil)`id`\'"\\x', reason: 'a reason\nexport EVIL=1' },
      { name: 'OTHER', value: 'plain', reason: 'x' },
    ],
    absent: [
      { name: 'DOCKER_CONTEXT', reason: 'y', remove: true },
      { name: 'KEPT', reason: 'z', remove: false },
    ],
  }

  test('is read by sh as exactly these values', () => {
    const script = `${renderShell(environment)}printf '%s|%s|%s|%s|%s' "$DOCKER_HOST" "$OTHER" "\${DOCKER_CONTEXT-none}" "$KEPT" "\${EVIL-none}"`
    const env = { PATH: process.env['PATH'], DOCKER_CONTEXT: 'old', KEPT: 'kept' }
    const { stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8', env })
    expect({ stdout, stderr }).toEqual({ stdout: `${environment.variables[0]?.value}|plain|none|kept|none`, stderr: '' })
  })

  test('is nothing when there is nothing', () => {
    expect(renderShell({ ...environment, contexts: [], variables: [], absent: [] })).toBe('')
  })
})
