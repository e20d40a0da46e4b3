import { createServer, request } from 'node:http'
import { duplexPair, type Duplex } from 'node:stream'
import type { System } from '@rootless-runtime/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRecording, recordSystem, replaySystem, scrubRecording } from '../src/index.ts'
import { HOST_FACTS } from './host-facts.ts'

const FACTS = { engine: 'podman', engineVersion: '4.3.1', hostFacts: HOST_FACTS } as const

/** A machine with one file that grows, one command, and one socket that speaks HTTP. */
function createMachine(): System {
  let reads = 0
  const absent = { status: 'absent', reason: 'does not exist' } as const
  return {
    environment: { HOME: '/home/moby', SECRET: 'hunter2' },
    user: { uid: 1003, gid: 1003, name: 'moby', homeDirectory: '/home/moby' },
    readText: async (path) =>
      path === '/proc/7/environ'
        ? { status: 'ok', value: 'PASSWORD=hunter2\0ROOTLESSKIT_STATE_DIR=/tmp/r\0' }
        : { status: 'ok', value: `${path} ${(reads += 1)}` },
    listDirectory: async () => ({ status: 'ok', value: ['a', 'b'] }),
    status: async () => ({ status: 'denied', reason: 'no' }),
    realPath: async (path) => ({ status: 'ok', value: path }),
    freeBytes: async () => ({ status: 'ok', value: 7 }),
    findExecutable: async () => absent,
    run: async ({ file }) => ({ status: 'exited', exitCode: 0, stdout: `${file} says hello`, stderr: '' }),
    connect: async (path) => (path === '/sock' ? { status: 'ok', value: serve() } : absent),
  }
}

function serve(): Duplex {
  const [ours, theirs] = duplexPair()
  const server = createServer((incoming, response) => {
    response.writeHead(incoming.url === '/gone' ? 404 : 200, { server: 'Example/1', date: 'today' })
    response.end(incoming.method === 'HEAD' ? undefined : `you asked ${incoming.url}`)
  })
  server.emit('connection', theirs)
  return ours
}

async function ask(system: System, method: string, path: string): Promise<string> {
  const answer = await system.connect('/sock', { timeoutMs: 1000 })
  if (answer.status !== 'ok') return answer.status
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const outgoing = request({ method, path, createConnection: () => answer.value }, (message) => {
    let body = ''
    message.setEncoding('utf8').on('data', (piece: string) => (body += piece))
    message.once('end', () => resolve(`${message.statusCode} ${message.headers['server']} ${body}`))
  })
  outgoing.once('error', reject).end()
  return promise
}

async function useMachine(system: System): Promise<readonly unknown[]> {
  return [
    system.environment['HOME'],
    system.environment['XDG_RUNTIME_DIR'],
    await system.readText('/a'),
    await system.readText('/a'),
    await system.listDirectory('/'),
    await system.status('/dev/fuse'),
    await system.findExecutable('podman'),
    await system.run({ file: 'podman', arguments: ['info'], timeoutMs: 1000 }),
    await system.connect('/nothing', { timeoutMs: 1000 }),
    await ask(system, 'GET', '/info'),
    await ask(system, 'HEAD', '/_ping'),
    await ask(system, 'GET', '/gone'),
  ]
}

test('a recording answers as the machine did, the second time as the second time', async () => {
  const recorder = recordSystem(createMachine())
  const real = await useMachine(recorder.system)
  const recording = parseRecording(JSON.stringify(recorder.finish(FACTS)))
  const replay = replaySystem(recording)
  expect(await useMachine(replay.system)).toEqual(real)
  expect([...replay.missing]).toEqual([])
  expect(real.at(-3)).toBe('200 Example/1 you asked /info')
})

test('what was not asked is missing, and named', async () => {
  const recorder = recordSystem(createMachine())
  await recorder.system.readText('/a')
  await ask(recorder.system, 'GET', '/info')
  const replay = replaySystem(recorder.finish(FACTS))
  expect(await replay.system.readText('/b')).toMatchObject({ status: 'failed' })
  expect(await ask(replay.system, 'GET', '/other')).toMatch(/^404 /u)
  expect([...replay.missing]).toEqual(['readText "/b"', 'GET /sock /other'])
})

test('neither the environment nor that of a daemon is written down beyond what was asked', async () => {
  const recorder = recordSystem(createMachine())
  await useMachine(recorder.system)
  await recorder.system.readText('/proc/7/environ')
  const text = JSON.stringify(recorder.finish(FACTS))
  expect(text).toContain('ROOTLESSKIT_STATE_DIR')
  expect(text).not.toContain('hunter2')
})

test("a host's own words are replaced, and only as whole words", async () => {
  const recorder = recordSystem(createMachine())
  await recorder.system.readText('host vm, kvm, vm-1, /proc/sys/vm and "vm"')
  const scrubbed = scrubRecording(recorder.finish(FACTS), new Map([['vm', 'host']]))
  expect(scrubbed.calls[0]?.question).toBe('host host, kvm, vm-1, /proc/sys/vm and "host"')
})

test('rubbish is never a recording, and is refused with a reason', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
      expect(() => parseRecording(text)).toThrow(/^(?:the recording is not JSON|not a recording)/u)
    }),
    { numRuns: 1000 },
  )
})
