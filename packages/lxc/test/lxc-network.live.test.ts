import { createSocket } from 'node:dgram'
import { once as onceEvent } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Container } from '@rootless-runtime/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLiveLxc, say, type LiveLxc } from './lxc-live.ts'

let lxc: LiveLxc

beforeAll(async () => {
  lxc = await openLiveLxc()
})

afterAll(async () => {
  await lxc[Symbol.asyncDispose]()
})

/** Programs that serve this container's network: their command line names its folder. */
function listServing(container: Container): readonly string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/u.test(name))
  return pids.filter((pid) => readCommand(pid).some((word) => word.includes(`/${container.id}/run/`)))
}

function readCommand(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

async function listenTcp(address: string): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((socket) => socket.on('error', () => {}).end(`from ${address}\n`)).listen(0, address)
  await onceEvent(server, 'listening')
  const given = server.address()
  return { port: typeof given === 'object' && given !== null ? given.port : 0, close: () => void server.close() }
}

const ask = (address: string, port: number): string => `nc -w 2 ${address} ${port} </dev/null`

describe('the default network', () => {
  test('a service of this host is reached at the address of the host, and one of its loopback nowhere', async () => {
    const [everywhere, loopback] = [await listenTcp('0.0.0.0'), await listenTcp('127.0.0.1')]
    const container = await lxc.run({ network: 'default' })
    const host = await container.hostAddress()
    expect(await say(container, ask(host, everywhere.port))).toBe('from 0.0.0.0\n')
    for (const address of [host, '10.0.2.2', '127.0.0.1'])
      expect(await say(container, ask(address, loopback.port))).not.toContain('from')
    everywhere.close()
    loopback.close()
  })

  test('what serves the network ends with the container', async () => {
    const container = await lxc.run({ network: 'default' })
    expect(listServing(container).length).toBe(1)
    await container.kill('SIGKILL')
    await container.wait()
    await sleep(500)
    expect(listServing(container)).toEqual([])
  })

  test('a start whose port was taken meanwhile is PORT_IN_USE, and what served it has ended', async () => {
    const container = await lxc.run({ network: 'default', ports: [{ container: 80 }] })
    const { host } = container.port(80)
    await container.stop({ timeoutMs: 0 })
    const taker = createServer().listen(host, '127.0.0.1')
    await onceEvent(taker, 'listening')
    await expect(container.start()).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    expect(listServing(container)).toEqual([])
    taker.close()
    await container.start()
    expect((await container.inspect()).status).toBe('running')
  })

  test('a UDP port that was taken meanwhile is PORT_IN_USE', async () => {
    const container = await lxc.run({ network: 'default', ports: [{ container: 53, protocol: 'udp' }] })
    const { host } = container.port(53, 'udp')
    await container.stop({ timeoutMs: 0 })
    const taker = createSocket('udp4').bind(host, '127.0.0.1')
    await onceEvent(taker, 'listening')
    await expect(container.start()).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    taker.close()
  })

  test('the files of /etc say where the container is, and root inside may change them', async () => {
    const container = await lxc.run({ network: 'default', hostname: 'live-host' })
    const said = await say(container, 'cat /etc/hosts /etc/hostname /etc/resolv.conf && echo "192.0.2.1 added" >>/etc/hosts')
    expect(said).toContain(`10.0.2.100\tlive-host ${container.name}\n`)
    expect(said).toContain('\nlive-host\n')
    expect(said).toContain('nameserver 10.0.2.3\n')
    expect(await say(container, 'cat /etc/hosts')).toContain('192.0.2.1 added')
  })
})

describe('networks with names', () => {
  test('three containers know each other, and one that is removed is forgotten', async () => {
    await lxc.runtime.networks.create('live-three')
    const members = await Promise.all([1, 2, 3].map(() => lxc.run({ network: 'live-three' })))
    const [first, second, third] = members
    if (first === undefined || second === undefined || third === undefined) throw new Error('there are three')
    for (const one of members) {
      const hosts = await say(one, 'cat /etc/hosts')
      for (const { name } of members) expect(hosts).toContain(name)
      expect((await say(one, 'ip route')).match(/10\.89\.[\d.]+ dev eth0/gu)?.length).toBe(2)
    }
    await second.remove({ force: true })
    expect(await say(first, 'cat /etc/hosts')).not.toContain(second.name)
    expect((await say(first, 'ip route')).match(/10\.89\.[\d.]+ dev eth0/gu)?.length).toBe(1)
    await expect(lxc.runtime.networks.remove('live-three')).rejects.toMatchObject({ code: 'NETWORK_IN_USE' })
    await first.remove({ force: true })
    await third.remove({ force: true })
    await lxc.runtime.networks.remove('live-three')
  })

  test('on another network, and by the link alone, nobody is reached', async () => {
    await Promise.all(['live-one', 'live-two'].map((name) => lxc.runtime.networks.create(name, { isolated: true })))
    const [one, two] = [await lxc.run({ network: 'live-one' }), await lxc.run({ network: 'live-two' })]
    await one.exec(['/bin/httpd', '-p', '80'])
    const { address } = (await one.inspect()).network
    expect(await say(two, ask(address ?? '', 80))).toContain('No route to host')
    expect(await say(two, 'ip address show eth0')).not.toContain('inet6')
    await expect(one.hostAddress()).rejects.toMatchObject({ code: 'NOT_SUPPORTED' })
  })
})
