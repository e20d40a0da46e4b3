import type { Container } from '@rootless-runtime/core'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import type { Bench } from './bench.ts'
import { eventually } from './collect.ts'
import { expectCode } from './expect-code.ts'
import { askWeb, serveGreeting } from './outside.ts'

const SERVER = ['httpd', '-f', '-p', '8080', '-h', '/srv']

/** What a container gets from a web server at that place; nothing when nobody answers within two seconds. */
async function ask(from: Container, host: string): Promise<string> {
  // The wget of a statically linked busybox looks for the port of "http" by NSS, and dies of it (glibc 2.36).
  const command = ['timeout', '3', 'nc', '-w', '2', host, '8080']
  return (await from.exec(command, { input: 'GET /index.html HTTP/1.0\r\n\r\n' })).stdout
}

/** Whether a container gets busybox's page from another one, as soon as that is up. */
function reaches(from: Container, host: string): Promise<boolean> {
  return eventually(async () => (await ask(from, host)).includes('served by busybox'), 20_000)
}

/** Two containers on one network of their own, and the name of it. */
async function makePair(bench: Bench, isolated: boolean) {
  const network = bench.name()
  await bench.runtime.networks.create(network, { isolated })
  const server = await bench.run({ network, command: SERVER })
  const client = await bench.run({ network })
  return { network, server, client }
}

/** Networks: none, the default one, the host's, and those that are made. */
export const NETWORKS = {
  'network-none': behaviour('a container without a network has its loopback only', async (bench) => {
    const { stdout } = await (await bench.shared()).exec(['sh', '-c', 'tail -n +3 /proc/net/dev; wc -l </proc/net/route'])
    const devices = [...stdout.matchAll(/^\s*([^\s:]+):/gmu)].map(([, name]) => name)
    // The kernel's fallback tunnels (tunl0, sit0) are in every new network where their modules are loaded, and they are down.
    expect(devices.filter((name) => !/^(?:tunl|sit|gre|gretap|erspan|ip_vti|ip6)/u.test(name ?? ''))).toEqual(['lo'])
  }),
  'network-none-no-way-out': behaviour('a container without a network reaches nothing', async (bench) => {
    const server = await serveGreeting(bench.machine, 'hello')
    try {
      expect(await askWeb(bench.machine, '127.0.0.1', server.port)).toContain('hello')
      const { exitCode, stdout } = await (await bench.shared()).exec(['nc', '-w', '2', '127.0.0.1', `${server.port}`])
      expect([exitCode === 0, stdout]).toEqual([false, ''])
    } finally {
      server.end()
    }
  }),
  'network-default': behaviour('a container has a network device and a way out unless told', async (bench) => {
    const { network: _, ...options } = bench.options()
    const container = await bench.runtime.containers.run(options)
    const hasRoute = async (): Promise<boolean> =>
      (await container.exec(['sh', '-c', 'tail -n +2 /proc/net/route | cut -f2'])).stdout.split('\n').includes('00000000')
    expect(await eventually(hasRoute, 15_000)).toBe(true)
    expect((await container.inspect()).network.name).toBe('default')
  }),
  'network-host-address': behaviour('a service of this host is reached from inside at the address of the host', async (bench) => {
    const server = await serveGreeting(bench.machine, 'the host says hello')
    try {
      const container = await bench.run({ network: 'default' })
      const address = await container.hostAddress()
      const listen = ['nc', '-w', '3', address, `${server.port}`]
      const heard = async (): Promise<boolean> => (await container.exec(listen)).stdout === 'the host says hello\n'
      expect({ address, heard: await eventually(heard, 15_000) }).toEqual({ address, heard: true })
    } finally {
      server.end()
    }
  }),
  'network-host': behaviour('a container in the network of the host reaches its loopback', async (bench) => {
    const server = await serveGreeting(bench.machine, 'on the loopback')
    try {
      const container = await bench.run({ network: 'host' })
      const { stdout } = await container.exec(['nc', '-w', '3', '127.0.0.1', `${server.port}`])
      expect(stdout).toBe('on the loopback\n')
    } finally {
      server.end()
    }
  }),
  'network-unknown': behaviour('a network that is not there is NETWORK_NOT_FOUND, and nothing is left', async (bench) => {
    await expectCode('NETWORK_NOT_FOUND', bench.run({ network: `${bench.mark}-unknown` }))
    expect(await bench.left()).toEqual([])
  }),
  'network-list': behaviour('a network that was made is listed until it is removed', async (bench) => {
    const { networks } = bench.runtime
    const name = bench.name()
    await networks.create(name, { labels: { kept: `it's "quoted"` } })
    expect((await networks.list()).find((each) => each.name === name)).toMatchObject({
      name,
      isolated: false,
      labels: { kept: `it's "quoted"` },
    })
    await networks.remove(name)
    expect((await networks.list()).map((each) => each.name)).not.toContain(name)
  }),
  'network-name-in-use': behaviour('a network whose name is taken is NAME_IN_USE', async (bench) => {
    const name = bench.name()
    await bench.runtime.networks.create(name)
    await expectCode('NAME_IN_USE', bench.runtime.networks.create(name))
  }),
  'network-name-invalid': behaviour('a name that no network can have is INVALID_ARGUMENT', async (bench) => {
    const names = ['', 'a b', '../up', 'line\nbreak', 'none', 'host', 'default']
    for (const name of names) await expectCode('INVALID_ARGUMENT', bench.runtime.networks.create(name))
  }),
  'network-remove-unknown': behaviour('removing a network that is not there is NETWORK_NOT_FOUND', async (bench) => {
    await expectCode('NETWORK_NOT_FOUND', bench.runtime.networks.remove(`${bench.mark}-unknown`))
  }),
  'network-remove-in-use': behaviour('removing a network that a container is in is NETWORK_IN_USE', async (bench) => {
    const network = bench.name()
    await bench.runtime.networks.create(network)
    const container = await bench.run({ network })
    await expectCode('NETWORK_IN_USE', bench.runtime.networks.remove(network))
    await container.remove({ force: true })
    await bench.runtime.networks.remove(network)
  }),
  'network-names': behaviour('two containers of one network reach each other by name', async (bench) => {
    const { server, client } = await makePair(bench, false)
    expect(await reaches(client, server.name)).toBe(true)
  }),
  'network-addresses': behaviour('inspect tells the address at which another container reaches one', async (bench) => {
    const { network, server, client } = await makePair(bench, false)
    const state = await server.inspect()
    expect(state.network.name).toBe(network)
    expect(state.network.address).toMatch(/^[\d.]+$/u)
    expect(await reaches(client, state.network.address ?? '')).toBe(true)
  }),
  'network-apart': behaviour('containers of two networks do not reach each other', async (bench) => {
    const { server } = await makePair(bench, false)
    const { client, server: neighbour } = await makePair(bench, false)
    expect(await reaches(client, neighbour.name)).toBe(true)
    const { address } = (await server.inspect()).network
    expect(await ask(client, address ?? 'nobody')).toBe('')
  }),
  'network-isolated': behaviour('an isolated network connects its containers and has no way out', async (bench) => {
    const greeter = await serveGreeting(bench.machine, 'from the host')
    try {
      const outgoing = await bench.run({ network: 'default' })
      const listen = ['timeout', '4', 'nc', '-w', '3', await outgoing.hostAddress(), `${greeter.port}`]
      expect(await eventually(async () => (await outgoing.exec(listen)).stdout === 'from the host\n', 15_000)).toBe(true)
      const { network, server, client } = await makePair(bench, true)
      expect(await reaches(client, server.name)).toBe(true)
      expect((await client.exec(listen)).stdout).toBe('')
      expect((await bench.runtime.networks.list()).find(({ name }) => name === network)?.isolated).toBe(true)
    } finally {
      greeter.end()
    }
  }),
}
