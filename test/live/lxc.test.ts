import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { buildReport } from 'rootless-runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeEngine, expectAgreement } from './agreement.ts'
import { eventually, listPeers, must, rootFileSystem, run, tryConnect, uidMap, type Ended } from './look.ts'

const report = await buildReport({ engines: ['lxc'] })
const PORT = 8080

describeEngine(report, 'lxc', ({ networking, storage, cgroup }) => {
  const name = `rootless-live-${process.pid}`
  const inside = (...words: string[]): Promise<Ended> => run('lxc-attach', ['-n', name, '--clear-env', '--', ...words])
  const address = `10.0.3.${200 + (process.pid % 50)}`
  // The DHCP client inside takes every other address off the device once it has one: at what moment is anybody's guess.
  const connectInside = async (): Promise<Socket | null> => {
    for (let tries = 0; tries < 15; tries += 1) {
      const { stdout } = await inside('ip', '-4', 'address', 'show', 'dev', 'eth0')
      const socket = await tryConnect(/inet ([\d.]+)/u.exec(stdout)?.[1] ?? address, PORT, 1000)
      if (socket !== null) return socket
    }
    return null
  }
  let pid = 0
  let configPath = ''

  beforeAll(async () => {
    await must('lxc-create', ['-n', name, '-t', 'busybox'])
    configPath = `${await must('lxc-config', ['lxc.lxcpath'])}/${name}/config`
    await must('lxc-start', ['-n', name])
    pid = Number(await must('lxc-info', ['-n', name, '-pH']))
    // The bridge may have no DHCP server; an address of ours does not need one.
    await inside('ip', 'address', 'add', `${address}/24`, 'dev', 'eth0')
    await inside('ip', 'link', 'set', 'eth0', 'up')
  })

  afterAll(async () => {
    await run('lxc-stop', ['-n', name, '-k'])
    await run('lxc-destroy', ['-n', name, '-f'])
  })

  test('is the version that lxc-start names', async () => {
    expect(report.engines[0]?.availability).toMatchObject({ version: await must('lxc-start', ['--version']) })
  })

  test('maps root inside to the first subordinate id', () => {
    const ranges = report.host.userNamespace.subordinateUserIds
    expect(ranges).toMatchObject({ status: 'known', value: [{ start: uidMap(pid)[0]?.[1] }] })
  })

  test('has a veth exactly when its driver is lxc-user-nic', async () => {
    const link = await must('lxc-info', ['-n', name])
    expect(/^Link:\s+veth/mu.test(link)).toBe(
      networking.driver.status === 'supported' && networking.driver.value === 'lxc-user-nic',
    )
  })

  test('has the MTU that the device inside has', async () => {
    const { stdout } = await inside('cat', '/sys/class/net/eth0/mtu')
    expect(networking.mtuBytes).toMatchObject({ status: 'supported', value: Number(stdout.trim()) })
  })

  test('has a copy of the root file system on the file system beneath', () => {
    expect(storage.driver).toMatchObject({ status: 'supported', value: 'dir' })
    expect(storage.backingFileSystem).toMatchObject({ value: rootFileSystem(pid) })
  })

  test('keeps the address of its caller exactly when it says so', async () => {
    const server = inside('httpd', '-f', '-p', `${PORT}`)
    const socket = await connectInside()
    const peer = await eventually(() => listPeers(pid, PORT)[0])
    const own = socket?.localAddress
    socket?.destroy()
    await inside('killall', 'httpd')
    const ended = await server
    expect({ own, ended }).toMatchObject({ own: expect.any(String) })
    expectAgreement(networking.properties['source-address'], peer === own)
  })

  test('pings the host exactly when it says so', async () => {
    const ended = await inside('ping', '-c', '1', '-W', '2', '10.0.3.1')
    expectAgreement(networking.properties.ping, ended.exitCode === 0)
  })

  test('refuses to start with a memory limit exactly when it says that none is applied', async () => {
    await must('lxc-stop', ['-n', name, '-k'])
    const before = readFileSync(configPath, 'utf8')
    const v2 = cgroup.version.status === 'supported' && cgroup.version.value === 'v2'
    appendFileSync(configPath, v2 ? '\nlxc.cgroup2.memory.max = 64M\n' : '\nlxc.cgroup.memory.limit_in_bytes = 64M\n')
    const { exitCode } = await run('lxc-start', ['-n', name])
    writeFileSync(configPath, before)
    expectAgreement(cgroup.limits.memory, exitCode === 0)
  })
})
