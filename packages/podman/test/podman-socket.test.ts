import { readFileSync } from 'node:fs'
import { duplexPair } from 'node:stream'
import { parseRecording, replaySystem } from '@rootless-runtime/conformance'
import type { System } from '@rootless-runtime/core'
import { expect, test } from 'vitest'
import { askSocket } from '../src/podman-socket.ts'
import { createPodman } from '../src/podman.ts'

function listening(answer: (theirs: ReturnType<typeof duplexPair>[1]) => void): System {
  const connect: System['connect'] = async () => {
    const [ours, theirs] = duplexPair()
    theirs.on('error', () => {})
    theirs.once('data', () => answer(theirs))
    return { status: 'ok', value: ours }
  }
  return { connect } as Partial<System> as System
}

test('Podman is known by its header', async () => {
  const system = listening((theirs) => theirs.end('HTTP/1.1 200 OK\r\nLibpod-Api-Version: 4.3.1\r\nContent-Length: 0\r\n\r\n'))
  expect(await askSocket(system, 'socket', '/podman.sock', 5000)).toMatchObject({ answer: 'Podman 4.3.1', verdict: 'usable' })
})

test.each<[string, Parameters<typeof listening>[0]]>([
  ['hangs up', (theirs) => theirs.end()],
  ['breaks off', (theirs) => theirs.destroy()],
])('who %s without an answer is unknown, at once', async (_, answer) => {
  const place = await askSocket(listening(answer), 'socket', '/podman.sock', 60_000)
  expect(place).toMatchObject({ verdict: 'unknown', answer: expect.stringContaining('no answer to HEAD /_ping') })
})

test('who is silent is unknown when the time is over', async () => {
  const place = await askSocket(
    listening(() => {}),
    'socket',
    '/podman.sock',
    50,
  )
  expect(place).toMatchObject({ verdict: 'unknown' })
})

test('who is silent holds nobody up for as long as Podman itself may take', async () => {
  const started = performance.now()
  const place = await askSocket(
    listening(() => {}),
    'socket',
    '/podman.sock',
    60_000,
  )
  expect(place).toMatchObject({ verdict: 'unknown', answer: expect.stringContaining('no answer to HEAD /_ping') })
  expect(performance.now() - started).toBeLessThan(20_000)
})

test('a connection that is dead before anybody asked is unknown, and not asked for ever', async () => {
  const [ours] = duplexPair()
  ours.destroy()
  const system = { connect: async () => ({ status: 'ok', value: ours }) } as Partial<System> as System
  expect(await askSocket(system, 'socket', '/podman.sock', 60_000)).toMatchObject({
    verdict: 'unknown',
    answer: expect.stringContaining('hung up'),
  })
})

test.each([
  ['3.0.1', 'unknown', /not asked: .*without end/u],
  ['4.3.1', 'absent', /^does not exist$/u],
])("the user's socket of Podman %s is %s", async (version, verdict, answer) => {
  const path = new URL('../recordings/podman-4.3.1-debian-12-delegate.json', import.meta.url)
  const { system: recorded } = replaySystem(parseRecording(readFileSync(path, 'utf8').replaceAll('4.3.1', version)))
  const own = `${recorded.environment['XDG_RUNTIME_DIR']}/podman/podman.sock`
  const connected: string[] = []
  const connect: System['connect'] = async (socket) => {
    connected.push(socket)
    return { status: 'absent', reason: `${socket}: does not exist` }
  }
  const { places } = await createPodman({ ...recorded, connect }, { timeoutMs: 5000 }).detect()
  expect(places.find(({ place }) => place === own)).toMatchObject({ verdict, answer: expect.stringMatching(answer) })
  expect(connected.includes(own)).toBe(verdict === 'absent')
})
