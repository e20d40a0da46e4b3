import { findMemoryKill, RootlessError } from '@rootless-runtime/core'
import { describe, expect, test } from 'vitest'
import { parseEvent } from '../src/podman-events.ts'
import { parseHosts } from '../src/podman-host-address.ts'
import { findIds, toMap } from '../src/podman-owner.ts'
import { judgeOutOfMemory, parseInspected } from '../src/podman-state.ts'
import { toSignalNumber, toSignalWord } from '../src/signal-numbers.ts'

/** Of Podman 4.3.1, the fields that are read. */
const INSPECTED = {
  Id: '7b0366437da3',
  Name: 'a',
  Created: '2026-11-25T09:10:29.770283661Z',
  Path: 'sleep',
  Args: ['100'],
  Image: 'c628',
  ImageName: 'docker.io/library/busybox:latest',
  State: {
    Status: 'exited',
    OOMKilled: false,
    Pid: 0,
    ExitCode: 3,
    StartedAt: '2026-11-25T09:16:51.063213121Z',
    FinishedAt: '2026-11-25T09:16:51.060000000Z',
  },
  Mounts: [{ Source: '/outside', Destination: '/inside' }],
  NetworkSettings: { Networks: null },
  Config: { Tty: false, OpenStdin: true, Labels: null, User: '', StopSignal: 15 },
  HostConfig: { NetworkMode: 'slirp4netns', Memory: 0, LogConfig: { Type: 'k8s-file', Path: '/log' } },
}

function inspect(changes: object): ReturnType<typeof parseInspected> {
  return parseInspected({ ...INSPECTED, ...changes }, 'inspect a', '4.3.1')
}

describe('what Podman says of a container', () => {
  test('is told in our words', () => {
    const { state, stdin, logPath, mounts } = inspect({})
    expect(state).toMatchObject({ status: 'ended', exitCode: 3, pid: null, imageId: 'sha256:c628', command: ['sleep', '100'] })
    expect([state.stopSignal, stdin, logPath, mounts.get('/inside')]).toEqual(['SIGTERM', true, '/log', '/outside'])
  })

  test('does not end before it starts: the end is of a coarser clock', () => {
    const { endedAt, startedAt } = inspect({}).state
    expect(endedAt).toEqual(startedAt)
  })

  test('has no start before the first, which Go tells as the year 1', () => {
    const never = '0001-01-01T00:00:00Z'
    const State = { ...INSPECTED.State, Status: 'created', StartedAt: never, FinishedAt: never }
    expect(inspect({ State }).state).toMatchObject({ status: 'created', startedAt: null, endedAt: null, exitCode: null })
  })

  test.each<[string, object]>([
    ['in a state that nobody knows', { State: { ...INSPECTED.State, Status: 'dreaming' } }],
    ['that lacks its state', { State: undefined }],
  ])('%s is not guessed at', (_, changes) => {
    expect(() => inspect(changes)).toThrow(RootlessError)
  })

  test('has its log elsewhere with another driver, and in a field of its own before 4.0', () => {
    const HostConfig = { ...INSPECTED.HostConfig, LogConfig: { Type: 'journald', Path: '' } }
    expect(inspect({ HostConfig }).logPath).toBeNull()
    const older = { HostConfig: { ...INSPECTED.HostConfig, LogConfig: { Type: 'k8s-file' } }, LogPath: '/older' }
    expect(inspect(older).logPath).toBe('/older')
  })
})

test.each<[boolean, number, string, unknown]>([
  [true, 1000, '4.3.1', { status: 'known', value: true }],
  [false, 0, '4.3.1', { status: 'known', value: false }],
  [false, 1000, '4.3.1', { status: 'unknown' }],
  [false, 1000, '5.4.2', { status: 'known', value: false }],
])('a kill for memory that is said to be %s, with %i bytes, by Podman %s', (said, limit, version, expected) => {
  expect(judgeOutOfMemory(said, limit, version)).toMatchObject(expected as object)
})

describe('a kill for memory that only the journal tells', () => {
  const { state } = inspect({ HostConfig: { ...INSPECTED.HostConfig, Memory: 1000 } })
  const journal = (stdout: string) => ({ run: async () => ({ status: 'exited' as const, exitCode: 0, stdout, stderr: '' }) })
  const entryAt = (moment: string) =>
    `${Date.parse(moment) / 1000}.819742 host systemd[302]: libpod-7b0366437da3.scope: A process of this unit\n`

  test('is known when it came after the start', async () => {
    const fact = await findMemoryKill(journal(entryAt('2026-11-25T09:16:52Z')), 'a.scope', state)
    expect(fact).toMatchObject({ status: 'known', value: true })
  })

  test.each<[string, string]>([
    ['is of a run before when it came before the start', entryAt('2026-11-25T09:16:50Z')],
    ['stays unknown when the journal has nothing', ''],
    ['stays unknown when what it has cannot be read', '-- No entries --\n'],
  ])('%s', async (_, stdout) => {
    expect(await findMemoryKill(journal(stdout), 'a.scope', state)).toMatchObject({ status: 'unknown' })
  })

  test('is not asked for where Podman itself tells', async () => {
    const asked = { run: async () => Promise.reject(new Error('the journal was asked')) }
    expect(await findMemoryKill(asked, 'a.scope', inspect({}).state)).toMatchObject({ status: 'known', value: false })
  })
})

describe('a map in which the caller is the user of the container', () => {
  test('has every id once', () => {
    expect(toMap(1000, 65_537, 'a')).toEqual([
      { containerId: 0, hostId: 1, size: 1000 },
      { containerId: 1000, hostId: 0, size: 1 },
      { containerId: 1001, hostId: 1001, size: 64_536 },
    ])
    expect(toMap(0, 1, 'a')).toEqual([{ containerId: 0, hostId: 0, size: 1 }])
  })

  test('cannot be of an id that there is not', () => {
    expect(() => toMap(70_000, 65_537, 'a')).toThrow('65537 ids')
  })

  const PASSWD = 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/:/bin/sh\n'
  const GROUP = 'root:x:0:\nstaff:x:50:app\n'
  test.each<[string, number, number]>([
    ['app', 1000, 1001],
    ['1000', 1000, 1001],
    ['7', 7, 0],
    ['app:staff', 1000, 50],
    ['7:8', 7, 8],
  ])('is of the ids of %s', (user, uid, gid) => {
    expect(findIds(user, PASSWD, GROUP)).toEqual({ uid, gid })
  })

  test.each(['nobody', 'app:nobody'])('has none of %s, which the image does not know', (user) => {
    expect(() => findIds(user, PASSWD, GROUP)).toThrow(expect.objectContaining({ code: 'USER_NOT_FOUND' }))
  })
})

test('a signal is a number to Podman and a name to us', () => {
  expect([toSignalNumber('SIGKILL'), toSignalNumber('SIGRTMAX-1'), toSignalNumber('SIGNONE')]).toEqual([9, 63, undefined])
  expect([toSignalWord(10), toSignalWord('15'), toSignalWord('SIGHUP'), toSignalWord('USR2'), toSignalWord(0)]).toEqual([
    'SIGUSR1',
    'SIGTERM',
    'SIGHUP',
    'SIGUSR2',
    null,
  ])
})

test("the host has a name of Podman's in /etc/hosts", () => {
  expect(parseHosts('127.0.0.1 localhost\n169.254.1.2 host.containers.internal host.docker.internal # by Podman\n')).toBe(
    '169.254.1.2',
  )
  expect(parseHosts('127.0.0.1 localhost\n#1.2.3.4 host.containers.internal\n')).toBeUndefined()
})

test('an event of a container is told in our words, another is none', () => {
  const line = (Action: string): string =>
    JSON.stringify({ Action, Actor: { ID: '7b03', Attributes: { name: 'a' } }, timeNano: 1_795_600_041_901_000_000 })
  expect(parseEvent(line('died'), 'events')).toEqual({ event: 'ended', id: '7b03', name: 'a', time: new Date(1_795_600_041_901) })
  expect(parseEvent(line('mount'), 'events')).toBeNull()
  expect(() => parseEvent('{', 'events')).toThrow(expect.objectContaining({ code: 'ENGINE_OUTPUT_UNREADABLE' }))
})
