import { describe, expect, test } from 'vitest'
import { readJsonLines } from '../src/docker-json-lines.ts'
import { toDriverState, type ContainerInspect } from '../src/docker-state.ts'

const INSPECT: ContainerInspect = {
  Id: '27fa',
  Name: '/web',
  Created: '2026-11-25T09:24:59.580123456Z',
  Path: 'sleep',
  Args: ['10'],
  Image: 'sha256:c98d',
  State: {
    Status: 'running',
    OOMKilled: false,
    Pid: 4242,
    ExitCode: 0,
    StartedAt: '2026-11-25T09:25:00.031Z',
    FinishedAt: '0001-01-01T00:00:00Z',
  },
  Config: { Image: 'busybox', Labels: null, Tty: false, OpenStdin: false },
  HostConfig: { NetworkMode: 'default', Memory: 0 },
  Mounts: [],
  NetworkSettings: { Networks: { bridge: { IPAddress: '172.17.0.2' } } },
}

const withState = (changes: Partial<ContainerInspect['State']>): ContainerInspect => ({
  ...INSPECT,
  State: { ...INSPECT.State, ...changes },
})

describe('what Docker says of a container', () => {
  test('one that runs has a process and an address, and no end', () => {
    expect(toDriverState(INSPECT, true)).toMatchObject({
      name: 'web',
      status: 'running',
      command: ['sleep', '10'],
      labels: {},
      pid: 4242,
      address: '172.17.0.2',
      exitCode: null,
      endedAt: null,
      startedAt: new Date('2026-11-25T09:25:00.031Z'),
    })
  })

  test('one that has ended has an exit code and a time', () => {
    const ended = withState({ Status: 'exited', Pid: 0, ExitCode: 137, FinishedAt: '2026-11-25T09:26:00Z' })
    const expected = { status: 'ended', exitCode: 137, pid: null, endedAt: new Date('2026-11-25T09:26:00Z') }
    expect(toDriverState(ended, true)).toMatchObject(expected)
  })

  test('one that ended before Docker was told of its start does not end before it', () => {
    const { startedAt, endedAt } = toDriverState(withState({ Status: 'exited', FinishedAt: '2026-11-25T09:25:00.026Z' }), true)
    expect(endedAt).toEqual(startedAt)
  })

  test('one that could not be started has no exit code, whatever Docker notes there', () => {
    const created = withState({ Status: 'created', Pid: 0, ExitCode: 127, StartedAt: '0001-01-01T00:00:00Z' })
    expect(toDriverState(created, true)).toMatchObject({ status: 'created', exitCode: null, startedAt: null })
  })

  test('without a cgroup nobody knows whether memory ran out, unless Docker says that it did', () => {
    expect(toDriverState(INSPECT, false).outOfMemory.status).toBe('unknown')
    expect(toDriverState(INSPECT, true).outOfMemory).toMatchObject({ status: 'known', value: false })
    expect(toDriverState(withState({ OOMKilled: true }), false).outOfMemory).toMatchObject({ status: 'known', value: true })
  })

  test('a limited container may have run out of memory before its end, and Docker heard of it after', () => {
    const killed = withState({ Status: 'exited', ExitCode: 137, FinishedAt: '2026-11-25T09:26:00Z' })
    const limited = { ...killed, HostConfig: { ...killed.HostConfig, Memory: 64_000_000 } }
    expect(toDriverState(limited, true).outOfMemory.status).toBe('unknown')
    expect(toDriverState(killed, true).outOfMemory).toMatchObject({ status: 'known', value: false })
  })

  test('a state that nobody knows is not guessed', () => {
    expect(() => toDriverState(withState({ Status: 'dreaming' }), true)).toThrow(
      expect.objectContaining({ code: 'ENGINE_OUTPUT_UNREADABLE' }),
    )
  })
})

describe('lines of JSON', () => {
  const read = async (chunks: readonly string[]): Promise<readonly string[]> => {
    const lines: string[] = []
    const bytes = (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk)
    })()
    for await (const line of readJsonLines(bytes)) lines.push(line)
    return lines
  }

  test('are the same wherever they are cut', async () => {
    const text = '{"a":1}\r\n\n{"b":"ü"}\n{"c":3}'
    for (let cut = 0; cut <= text.length; cut += 1) {
      expect(await read([text.slice(0, cut), text.slice(cut)])).toEqual(['{"a":1}', '{"b":"ü"}', '{"c":3}'])
    }
  })

  test('without an end are refused', async () => {
    await expect(read(['x'.repeat(2_000_000)])).rejects.toMatchObject({ code: 'ENGINE_OUTPUT_UNREADABLE' })
  })
})
