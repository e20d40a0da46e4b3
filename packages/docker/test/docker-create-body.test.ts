import type { ContainerPlan, LimitPlan } from '@rootless-runtime/core'
import { describe, expect, test } from 'vitest'
import { toCreateBody } from '../src/docker-create-body.ts'

const NO_LIMITS: LimitPlan = { memoryBytes: null, swapBytes: null, cpus: null, pids: null, cpuset: null, ioWeight: null }

const PLAN: ContainerPlan = {
  name: 'web',
  image: 'busybox',
  entrypoint: null,
  command: null,
  environment: {},
  workdir: null,
  user: null,
  hostname: null,
  labels: {},
  limits: NO_LIMITS,
  ports: [],
  network: 'default',
  mounts: [],
  readOnlyRoot: false,
  dropCapabilities: [],
  secrets: {},
  terminal: false,
  stdin: false,
  stopSignal: null,
}

const bodyOf = (changes: Partial<ContainerPlan>, secretsFolder: string | null = null) =>
  toCreateBody({ ...PLAN, ...changes }, secretsFolder)

const hostOf = (changes: Partial<ContainerPlan>, secretsFolder: string | null = null) =>
  bodyOf(changes, secretsFolder)['HostConfig']

test('a plain container is asked for with nothing of ours but what is always so', () => {
  expect(bodyOf({})).toEqual({
    Image: 'busybox',
    Env: [],
    Labels: {},
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    Healthcheck: { Test: ['NONE'] },
    ExposedPorts: {},
    HostConfig: {
      NetworkMode: 'default',
      PortBindings: {},
      Mounts: [],
      ReadonlyRootfs: false,
      CapDrop: [],
      SecurityOpt: ['no-new-privileges'],
      LogConfig: { Type: 'local', Config: { 'max-size': '1000g', 'max-file': '2', compress: 'false' } },
    },
  })
})

test.each<readonly [string, Partial<ContainerPlan>, object]>([
  ['an entrypoint', { entrypoint: ['/init', '-x'] }, { Entrypoint: ['/init', '-x'] }],
  ['no entrypoint, and so no command of the image', { entrypoint: [] }, { Entrypoint: [''] }],
  ['a command', { command: ['sh', '-c', 'echo "$X"'] }, { Cmd: ['sh', '-c', 'echo "$X"'] }],
  ['variables', { environment: { A: '1', B: 'x=y\n' } }, { Env: ['A=1', 'B=x=y\n'] }],
  ['a user and a folder', { user: '1000:1000', workdir: '/srv' }, { User: '1000:1000', WorkingDir: '/srv' }],
  ['a name of its own', { hostname: 'box' }, { Hostname: 'box' }],
  ['a stop signal', { stopSignal: 'SIGINT' }, { StopSignal: 'SIGINT' }],
  ['stdin, which ends with whoever writes to it', { stdin: true }, { OpenStdin: true, StdinOnce: true }],
  ['a terminal', { terminal: true }, { Tty: true }],
])('%s', (_, changes, expected) => {
  expect(bodyOf(changes)).toMatchObject(expected)
})

test.each<readonly [string, Partial<LimitPlan>, object]>([
  ['memory alone leaves no swap', { memoryBytes: 64_000_000 }, { Memory: 64_000_000, MemorySwap: 64_000_000 }],
  ['swap comes beside the memory', { memoryBytes: 100, swapBytes: 50 }, { Memory: 100, MemorySwap: 150 }],
  ['half a processor', { cpus: 0.5 }, { NanoCpus: 500_000_000 }],
  ['a third of a processor in whole nanoseconds', { cpus: 1 / 3 }, { NanoCpus: 333_333_333 }],
  ['processes', { pids: 20 }, { PidsLimit: 20 }],
  ['processors', { cpuset: '0-1' }, { CpusetCpus: '0-1' }],
  ['a weight', { ioWeight: 500 }, { BlkioWeight: 500 }],
])('limits: %s', (_, limits, expected) => {
  expect(hostOf({ limits: { ...NO_LIMITS, ...limits } })).toMatchObject(expected)
})

describe('mounts', () => {
  test.each<readonly [string, ContainerPlan['mounts'][number], object]>([
    [
      'of the host are read-only',
      { source: '/src', target: '/dst' },
      { Type: 'bind', Source: '/src', Target: '/dst', ReadOnly: true },
    ],
    ['of the host may be written', { source: '/src', target: '/dst', access: 'rw' }, { Type: 'bind', ReadOnly: false }],
    [
      'of volumes may be written',
      { kind: 'volume', volume: 'data', target: '/d' },
      { Type: 'volume', Source: 'data', ReadOnly: false },
    ],
    ['of volumes are read-only', { kind: 'volume', volume: 'data', target: '/d', access: 'ro' }, { ReadOnly: true }],
    [
      'in memory have a size',
      { kind: 'tmpfs', target: '/t', sizeBytes: 1024 },
      { Type: 'tmpfs', TmpfsOptions: { SizeBytes: 1024 } },
    ],
  ])('%s', (_, mount, expected) => {
    expect(hostOf({ mounts: [mount] })).toMatchObject({ Mounts: [expected] })
  })

  test('secrets are one more, read-only, and nowhere else in what Docker is told', () => {
    const body = bodyOf({ secrets: { token: new TextEncoder().encode('hunter2') } }, '/run/user/1/s/files')
    expect(body['HostConfig']).toMatchObject({
      Mounts: [{ Type: 'bind', Source: '/run/user/1/s/files', Target: '/run/secrets', ReadOnly: true }],
    })
    expect(JSON.stringify(body)).not.toMatch(/hunter2|token/u)
  })
})

test('ports that are published twice have two bindings', () => {
  const port = { container: 80, protocol: 'tcp', address: '127.0.0.1' } as const
  const ports = [
    { ...port, host: 8080 },
    { ...port, host: 8081 },
    { ...port, host: 8080, protocol: 'udp', address: '::1' },
  ] as const
  expect(bodyOf({ ports })).toMatchObject({ ExposedPorts: { '80/tcp': {}, '80/udp': {} } })
  expect(hostOf({ ports })).toMatchObject({
    PortBindings: {
      '80/tcp': [
        { HostIp: '127.0.0.1', HostPort: '8080' },
        { HostIp: '127.0.0.1', HostPort: '8081' },
      ],
      '80/udp': [{ HostIp: '::1', HostPort: '8080' }],
    },
  })
})
