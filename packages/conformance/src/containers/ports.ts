import type { Container, ContainerOptions, PortOptions } from '@rootless-runtime/core'
import { expect } from 'vitest'
import { behaviour, type Behaviour } from './behaviour.ts'
import type { Bench } from './bench.ts'
import { codeOf, expectCode } from './expect-code.ts'
import { askUdp, askWeb, findOtherAddress, isServed, serveGreeting } from './outside.ts'
import { UDP_ECHO } from './udp-echo.ts'

const LOOPBACK = '127.0.0.1'
const INSIDE = 8080

function serve(bench: Bench, ports: readonly PortOptions[], more: Partial<ContainerOptions> = {}): Promise<Container> {
  return bench.run({ network: 'default', command: ['httpd', '-f', '-p', `${INSIDE}`, '-h', '/srv'], ports, ...more })
}

async function findFreePort(bench: Bench, protocol: 'tcp' | 'udp' = 'tcp'): Promise<number> {
  const answer = await bench.machine.findFreePort(protocol, LOOPBACK)
  if (answer.status !== 'ok') throw new Error(answer.reason)
  return answer.value
}

function refused(sentence: string, ports: readonly PortOptions[]): Behaviour {
  return behaviour(`${sentence} is INVALID_ARGUMENT, and nothing is left`, async (bench) => {
    for (const port of ports) await expectCode('INVALID_ARGUMENT', serve(bench, [port]))
    expect(await bench.left()).toEqual([])
  })
}

/** Published ports. */
export const PORTS = {
  'port-chosen': behaviour('a published port without a number gets a free one, and answers there', async (bench) => {
    const container = await serve(bench, [{ container: INSIDE }])
    const { host, address } = container.port(INSIDE)
    expect(host).toBeGreaterThanOrEqual(1024)
    expect(await isServed(bench.machine, address, host)).toBe(true)
  }),
  'port-given': behaviour('a published port answers at the number that it was given', async (bench) => {
    const host = await findFreePort(bench)
    const container = await serve(bench, [{ container: INSIDE, host }])
    expect(container.port(INSIDE)).toEqual({ container: INSIDE, host, protocol: 'tcp', address: LOOPBACK })
    expect(await isServed(bench.machine, LOOPBACK, host)).toBe(true)
  }),
  'port-inspect': behaviour('inspect tells the published ports', async (bench) => {
    const container = await serve(bench, [{ container: INSIDE }])
    const found = await bench.runtime.containers.get(container.id)
    expect((await found.inspect()).ports).toEqual([container.port(INSIDE)])
    expect(found.port(INSIDE)).toEqual(container.port(INSIDE))
  }),
  'port-range': behaviour('a range of ports is published one by one', async (bench) => {
    const command = ['sh', '-c', 'httpd -p 8080 -h /srv; httpd -p 8081 -h /srv; exec sleep 1000']
    const container = await serve(bench, [{ container: INSIDE, count: 2 }], { command })
    for (const inside of [INSIDE, INSIDE + 1]) {
      expect(await isServed(bench.machine, LOOPBACK, container.port(inside).host)).toBe(true)
    }
  }),
  'port-udp': behaviour('a published UDP port carries datagrams in both directions', async (bench) => {
    if (UDP_ECHO === null) throw new Error(`the test image has no UDP server for ${process.arch}`)
    const container = await serve(bench, [{ container: INSIDE, protocol: 'udp' }], { command: ['udp-echo'] })
    expect(await askUdp(bench.machine, LOOPBACK, container.port(INSIDE, 'udp').host)).toBe('over udp')
  }),
  'port-both-protocols': behaviour('the same port may be published for TCP and for UDP', async (bench) => {
    const container = await serve(bench, [{ container: INSIDE }, { container: INSIDE, protocol: 'udp' }])
    expect([container.port(INSIDE, 'tcp').protocol, container.port(INSIDE, 'udp').protocol]).toEqual(['tcp', 'udp'])
    expect(await isServed(bench.machine, LOOPBACK, container.port(INSIDE).host)).toBe(true)
  }),
  'port-loopback-only': behaviour('a port is published on the loopback of this host only, unless told', async (bench) => {
    const container = await serve(bench, [{ container: INSIDE }])
    const { host } = container.port(INSIDE)
    expect(await isServed(bench.machine, LOOPBACK, host)).toBe(true)
    const other = findOtherAddress()
    if (other !== null) expect(await askWeb(bench.machine, other, host)).toBe(null)
  }),
  'port-every-address': behaviour('a port is published on every address when told so', async (bench) => {
    const container = await serve(bench, [{ container: INSIDE, address: '0.0.0.0' }])
    const { host } = container.port(INSIDE)
    expect(await isServed(bench.machine, findOtherAddress() ?? LOOPBACK, host)).toBe(true)
    expect(await isServed(bench.machine, LOOPBACK, host)).toBe(true)
  }),
  'port-in-use': behaviour('a port that somebody listens on is PORT_IN_USE, and nothing is left', async (bench) => {
    const first = await serve(bench, [{ container: INSIDE }])
    const { host } = first.port(INSIDE)
    await expectCode('PORT_IN_USE', serve(bench, [{ container: INSIDE, host }]))
    expect(await bench.left()).toEqual([first.name])
    expect(await isServed(bench.machine, LOOPBACK, host)).toBe(true)
  }),
  'port-in-use-outside': behaviour(
    'a port that a program of this host listens on is PORT_IN_USE, and nothing is left',
    async (bench) => {
      const server = await serveGreeting(bench.machine, 'first')
      try {
        await expectCode('PORT_IN_USE', serve(bench, [{ container: INSIDE, host: server.port }]))
        expect(await bench.left()).toEqual([])
        expect(await askWeb(bench.machine, LOOPBACK, server.port)).toContain('first')
      } finally {
        server.end()
      }
    },
  ),
  'port-freed': behaviour('the port of a removed container is free again', async (bench) => {
    const first = await serve(bench, [{ container: INSIDE }])
    const { host } = first.port(INSIDE)
    await first.remove({ force: true })
    expect(await askWeb(bench.machine, LOOPBACK, host)).toBe(null)
    await serve(bench, [{ container: INSIDE, host }])
    expect(await isServed(bench.machine, LOOPBACK, host)).toBe(true)
  }),
  'port-restart': behaviour('a container that is started again has its port again', async (bench) => {
    const container = await serve(bench, [{ container: INSIDE }])
    const { host } = container.port(INSIDE)
    await container.stop({ timeoutMs: 300 })
    expect(await askWeb(bench.machine, LOOPBACK, host)).toBe(null)
    await container.start()
    expect(await isServed(bench.machine, LOOPBACK, host)).toBe(true)
  }),
  'port-privileged': behaviour(
    'a port below 1024 answers where this user may have one, and is PORT_FORBIDDEN elsewhere',
    async (bench) => {
      const answer = await bench.machine.readText('/proc/sys/net/ipv4/ip_unprivileged_port_start')
      const least = answer.status === 'ok' ? Number(answer.value) : 1024
      const host = 999
      if (least > host) {
        await expectCode('PORT_FORBIDDEN', serve(bench, [{ container: INSIDE, host }]))
        return expect(await bench.left()).toEqual([])
      }
      await serve(bench, [{ container: INSIDE, host }])
      expect(await isServed(bench.machine, LOOPBACK, host)).toBe(true)
    },
  ),
  'port-ipv6': behaviour('a port is published on the IPv6 loopback, or that is refused and nothing is left', async (bench) => {
    const ports = [{ container: INSIDE, address: '::1' }]
    if (bench.capabilities.networking.properties.ipv6.status !== 'unsupported') {
      const container = await serve(bench, ports)
      return expect(await isServed(bench.machine, '::1', container.port(INSIDE).host)).toBe(true)
    }
    expect(await codeOf(serve(bench, ports))).toBe('NOT_SUPPORTED')
    expect(await bench.left()).toEqual([])
  }),
  'port-not-published': behaviour('asking for a port that is not published is INVALID_ARGUMENT', async (bench) => {
    const container = await bench.shared()
    await expectCode(
      'INVALID_ARGUMENT',
      Promise.resolve().then(() => container.port(INSIDE)),
    )
  }),
  'port-without-network': behaviour('a container without a network can publish nothing: INVALID_ARGUMENT', async (bench) => {
    await expectCode('INVALID_ARGUMENT', serve(bench, [{ container: INSIDE }], { network: 'none' }))
  }),
  'port-impossible-inside': refused('a port inside that cannot be', [
    { container: 0 },
    { container: 65_536 },
    { container: -1 },
    { container: Number.NaN },
    { container: 80.5 },
  ]),
  'port-impossible-outside': refused('a port outside that cannot be', [
    { container: INSIDE, host: 0 },
    { container: INSIDE, host: 65_536 },
    { container: INSIDE, host: Number.NaN },
    { container: INSIDE, host: 65_535, count: 2 },
    { container: INSIDE, count: 0 },
  ]),
  'port-address-rubbish': refused('an address that is none', [
    { container: INSIDE, address: 'localhost' },
    { container: INSIDE, address: '300.0.0.1' },
    { container: INSIDE, address: '' },
  ]),
}
