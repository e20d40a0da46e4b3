import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { buildTestImage, toDockerArchive } from '@rootless-runtime/conformance'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { once as onceBytes, openLiveLxc, say, type LiveLxc } from './lxc-live.ts'

// A host that has neither slirp4netns nor pasta: the bridge of lxc-user-nic is the way out, and ports are carried by our own program.

let lxc: LiveLxc

beforeAll(async () => {
  lxc = await openLiveLxc({ without: ['slirp4netns', 'pasta'] })
})

afterAll(async () => {
  await lxc[Symbol.asyncDispose]()
})

/** Sends, ends its half, and reads to the end of the other. */
async function exchange(port: number, words: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  socket.end(words)
  return await text(socket)
}

async function sendDatagram(port: number, words: string): Promise<string> {
  const socket = createSocket('udp4')
  try {
    socket.send(words, port, '127.0.0.1')
    const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(1000) })
    return String(answer)
  } finally {
    socket.close()
  }
}

const ECHO = ['/bin/nc', '-ll', '-p', '80', '-e', '/bin/cat']

describe('the default network by lxc-user-nic', () => {
  test('a TCP port is published, half-closes, and is free again when the container has ended', async () => {
    const container = await lxc.run({ ports: [{ container: 80 }], network: 'default' })
    const { host } = container.port(80)
    void container.exec(ECHO).catch(() => {})
    await container.waitFor({ port: 80 })
    const long = 'x'.repeat(1_000_000)
    expect(await exchange(host, long)).toBe(long)
    await container.kill('SIGKILL')
    await container.wait()
    const server = createServer().listen(host, '127.0.0.1')
    await once(server, 'listening')
    server.close()
  })

  test('a UDP port is published, and is free again when the container has ended', async () => {
    const archive = await toDockerArchive(await buildTestImage(readFileSync('/bin/busybox')), 'live-udp')
    await lxc.runtime.images.load(onceBytes(archive), { reference: 'live-udp' })
    const ports = [{ container: 8080, protocol: 'udp' }] as const
    const container = await lxc.run({ image: 'live-udp', command: ['udp-echo'], ports, network: 'default' })
    const { host } = container.port(8080, 'udp')
    await expect.poll(() => sendDatagram(host, 'a word').catch(() => ''), { timeout: 10_000 }).toBe('a word')
    await container.kill('SIGKILL')
    await container.wait()
    const socket = createSocket('udp4').bind(host, '127.0.0.1')
    await once(socket, 'listening')
    socket.close()
  })

  test('this host is reached at the address of the bridge, its loopback nowhere, and no other container', async () => {
    const services = await Promise.all(
      ['0.0.0.0', '127.0.0.1'].map(async (address) => {
        const server = createServer((socket) => socket.on('error', () => {}).end(`from ${address}\n`)).listen(0, address)
        await once(server, 'listening')
        const given = server.address()
        return { server, port: typeof given === 'object' && given !== null ? given.port : 0 }
      }),
    )
    const [everywhere, loopback] = services
    const [one, other] = [await lxc.run({ network: 'default' }), await lxc.run({ network: 'default' })]
    const host = await one.hostAddress()
    const ask = (address: string, port: number): string => `nc -w 2 ${address} ${port} </dev/null`
    expect(await say(one, ask(host, everywhere?.port ?? 0))).toBe('from 0.0.0.0\n')
    for (const address of [host, '127.0.0.1']) expect(await say(one, ask(address, loopback?.port ?? 0))).not.toContain('from')
    await other.exec(['/bin/httpd', '-p', '80'])
    const { address } = (await other.inspect()).network
    expect(await say(one, ask(address ?? '', 80))).toContain('No route to host')
    expect(await say(one, 'ip address show eth0')).not.toContain('inet6')
    for (const { server } of services) server.close()
  })

  test('on a network with a name too there is a way to this host, and to the others by their names', async () => {
    await lxc.runtime.networks.create('live-bridge')
    const [one, other] = [await lxc.run({ network: 'live-bridge' }), await lxc.run({ network: 'live-bridge' })]
    await other.exec(['/bin/httpd', '-p', '80'])
    expect(await say(one, `nc -w 2 ${other.name} 80 </dev/null; echo reached $?`)).toContain('reached 0')
    expect(await say(one, 'ip route')).toContain(`default via ${await one.hostAddress()}`)
    await one.remove({ force: true })
    await other.remove({ force: true })
    await lxc.runtime.networks.remove('live-bridge')
  })

  test('a port that was taken meanwhile is PORT_IN_USE', async () => {
    const container = await lxc.run({ ports: [{ container: 80 }], network: 'default' })
    await container.stop({ timeoutMs: 0 })
    const taker = createServer().listen(container.port(80).host, '127.0.0.1')
    await once(taker, 'listening')
    await expect(container.start()).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    taker.close()
    await container.start()
  })

  test('it is what the capabilities say', async () => {
    const { probeHost } = await import('@rootless-runtime/host')
    const { networking } = await lxc.runtime.capabilities(await probeHost(lxc.machine))
    expect(networking.drivers.slirp4netns.status).toBe('unsupported')
    expect(networking.properties.publish).toMatchObject({ status: 'supported', note: expect.stringContaining('program of ours') })
  })
})
