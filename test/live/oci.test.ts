import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { buildReport, NETWORK_DRIVERS, type NetworkDriver, type StorageDriver } from 'rootless-runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeEngine, expectAgreement } from './agreement.ts'
import { buildImage } from './image.ts'
import {
  eventually,
  freePort,
  hostAddress,
  listAncestors,
  listPeers,
  listProcesses,
  memoryLimitBytes,
  must,
  rootFileSystem,
  run,
  tryConnect,
  uidMap,
  type Ended,
} from './look.ts'

// Rootless Docker and Podman share their command line: what `compare` says of them must equal what a container shows.

const report = await buildReport()
const PORT_INSIDE = 8080

/** The process that carries a network driver's packets; none for a veth. */
const NETWORK_PROCESSES: Readonly<Record<NetworkDriver, RegExp | null>> = {
  slirp4netns: /^slirp4netns$/u,
  pasta: /^pass(?:t|ta)(?:\.avx2)?$|^pasta(?:\.avx2)?$/u,
  vpnkit: /^vpnkit$/u,
  'gvisor-tap-vsock': null,
  'lxc-user-nic': null,
  host: null,
  none: null,
}

/** What the kernel calls the root file system of a container; `null` for a copy on whatever is beneath. */
const ROOT_FILE_SYSTEMS: Readonly<Record<StorageDriver, string | null>> = {
  overlay: 'overlay',
  'fuse-overlayfs': 'fuse.fuse-overlayfs',
  btrfs: 'btrfs',
  vfs: null,
  dir: null,
}

const ENGINES = ['docker', 'podman'] as const

/** Docker's whole daemon lives in the network that RootlessKit made; Podman makes one for each container. */
const CARRIED_BELOW_ROOTLESSKIT = { docker: true, podman: false }

/** How each names the version of the engine itself. */
const VERSION_FORMATS = { docker: '{{.Server.Version}}', podman: '{{.Client.Version}}' }

for (const engine of ENGINES) {
  describeEngine(report, engine, (capabilities) => {
    const availability = report.engines.find((entry) => entry.engine === engine)?.availability
    const endpoint = availability?.status === 'available' ? availability.endpoint : ''
    const environment = endpoint.startsWith('unix://') ? { DOCKER_HOST: endpoint } : {}
    const call = (...words: string[]): Promise<Ended> => run(engine, words, environment)
    const mustCall = (...words: string[]): Promise<string> => must(engine, words, environment)
    const name = `rootless-live-${process.pid}`
    const image = `rootless-live-image-${process.pid}:latest`
    const { networking, storage, cgroup } = capabilities
    let folder = ''
    let pid = 0
    let port = 0

    beforeAll(async () => {
      folder = await buildImage()
      await mustCall('import', `${folder}/image.tar`, image)
      port = await freePort()
      const limits = ['--memory', '64m', '--pids-limit', '20']
      await mustCall(
        'run',
        '-d',
        '--name',
        name,
        '-p',
        `${port}:${PORT_INSIDE}`,
        ...limits,
        image,
        'httpd',
        '-f',
        '-p',
        `${PORT_INSIDE}`,
      )
      pid = Number(await mustCall('inspect', '--format', '{{.State.Pid}}', name))
    })

    afterAll(async () => {
      await call('kill', name)
      await call('rm', '-f', name)
      await call('rmi', '-f', image)
      rmSync(folder, { recursive: true, force: true })
    })

    test('is the version that its own command names', async () => {
      expect(availability).toMatchObject({ version: await mustCall('version', '--format', VERSION_FORMATS[engine]) })
    })

    test('maps root inside to this user, and the rest to subordinate ids', () => {
      const [root, others] = uidMap(pid)
      expect(root).toEqual([0, process.getuid?.(), 1])
      const ranges = report.host.userNamespace.subordinateUserIds
      expect(ranges.status === 'known' && ranges.value.some(({ start }) => start === others?.[1])).toBe(true)
    })

    test('has the network driver whose process is there', () => {
      if (networking.driver.status !== 'supported') throw new Error('no network driver is named')
      const expected = networking.driver.value
      const own = listProcesses().filter((each) => each.uid === process.getuid?.())
      const ofThisEngine = own.filter((each) => {
        const belowRootlessKit = listAncestors(each.pid).some((above) => above.name === 'rootlesskit')
        return belowRootlessKit === CARRIED_BELOW_ROOTLESSKIT[engine]
      })
      const drivers = NETWORK_DRIVERS.filter((driver) =>
        ofThisEngine.some(({ name: found }) => NETWORK_PROCESSES[driver]?.test(found)),
      )
      expect(drivers).toEqual(NETWORK_PROCESSES[expected] === null ? [] : [expected])
    })

    test('has the MTU that a device inside has', async () => {
      const devices = await mustCall('exec', name, 'sh', '-c', 'cd /sys/class/net && for d in *; do echo $d $(cat $d/mtu); done')
      const values = devices
        .split('\n')
        .filter((line) => !line.startsWith('lo '))
        .map((line) => Number(line.split(' ')[1]))
      expect(networking.mtuBytes).toMatchObject({ status: 'supported', value: values[0] })
    })

    test('has the storage driver that the root file system shows', () => {
      if (storage.driver.status !== 'supported') throw new Error('no storage driver is named')
      const expected = ROOT_FILE_SYSTEMS[storage.driver.value]
      const beneath = storage.backingFileSystem.status === 'supported' ? storage.backingFileSystem.value : ''
      expect(rootFileSystem(pid)).toBe(expected ?? beneath)
    })

    test('applies a memory limit exactly when it says so', () => {
      expectAgreement(cgroup.limits.memory, memoryLimitBytes(pid) === 64 * 1024 ** 2)
    })

    describe('a published port', () => {
      test('is carried', async () => {
        const socket = await tryConnect('127.0.0.1', port)
        expectAgreement(networking.properties.publish, socket !== null)
        socket?.destroy()
      })

      test('keeps the address of its caller exactly when it says so', async () => {
        const address = hostAddress()
        const socket = await tryConnect(address, port)
        const peer = await eventually(() => listPeers(pid, PORT_INSIDE)[0])
        socket?.destroy()
        expect(peer).toBeDefined()
        expectAgreement(networking.properties['source-address'], peer === address)
      })

      test('answers on IPv6 exactly when it says so', async () => {
        const socket = await tryConnect('::1', port, 1000)
        expectAgreement(networking.properties.ipv6, socket !== null)
        socket?.destroy()
      })

      test('may lie below 1024 exactly when it says so', async () => {
        const other = `${name}-low`
        const ended = await call('run', '-d', '--name', other, '-p', '127.0.0.1:81:80', image, 'httpd', '-f', '-p', '80')
        const socket = ended.exitCode === 0 ? await tryConnect('127.0.0.1', 81, 2000) : null
        socket?.destroy()
        await call('kill', other)
        await call('rm', '-f', other)
        expectAgreement(networking.properties['publish-privileged'], socket !== null)
      })
    })

    test('pings the host exactly when it says so', async () => {
      const ended = await call('exec', name, 'ping', '-c', '1', '-W', '2', hostAddress())
      expectAgreement(networking.properties.ping, ended.exitCode === 0)
    })

    test('reaches the host exactly when it says so', async () => {
      const server = createServer((socket) => socket.end('hello'))
      const address = hostAddress()
      await new Promise<void>((resolve) => server.listen(0, address, resolve))
      const bound = server.address()
      const listening = typeof bound === 'object' ? bound?.port : 0
      const ended = await call('exec', name, 'nc', '-w', '5', address, `${listening}`)
      server.close()
      expectAgreement(networking.properties['reach-host'], ended.stdout.trim() === 'hello')
    })
  })
}
