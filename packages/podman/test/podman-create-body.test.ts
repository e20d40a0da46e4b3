import { RootlessError, type ContainerPlan } from '@rootless-runtime/core'
import { describe, expect, test } from 'vitest'
import { toCreateBody, type CreateContext } from '../src/podman-create-body.ts'
import { PLAN } from './podman-plans.ts'

const NONE: CreateContext = { version: '4.3.1', uidMap: null, gidMap: null, secretsFolder: null }

function bodyOf(changes: Partial<ContainerPlan>, context: Partial<CreateContext> = {}): Readonly<Record<string, unknown>> {
  return toCreateBody({ ...PLAN, ...changes }, { ...NONE, ...context })
}

describe('what Podman is asked to make', () => {
  test('is what was not asked for left to Podman, and made safe', () => {
    expect(bodyOf({ network: 'default' })).toEqual({
      name: PLAN.name,
      image: 'busybox',
      command: ['true'],
      env: {},
      labels: {},
      terminal: false,
      stdin: false,
      read_only_filesystem: false,
      cap_drop: [],
      no_new_privileges: true,
      portmappings: [],
      mounts: [],
      volumes: [],
      healthconfig: { Test: ['NONE'] },
      log_configuration: { driver: 'k8s-file' },
      systemd: 'false',
      sdnotifyMode: 'ignore',
    })
  })

  test('has swap beside the memory, and none unless told', () => {
    const limits = { ...PLAN.limits, memoryBytes: 1000 }
    expect(bodyOf({ limits })['resource_limits']).toEqual({ memory: { limit: 1000, swap: 1000 } })
    expect(bodyOf({ limits: { ...limits, swapBytes: 500 } })['resource_limits']).toEqual({ memory: { limit: 1000, swap: 1500 } })
  })

  test('has the other limits in the words of the OCI', () => {
    const limits = { ...PLAN.limits, cpus: 0.5, cpuset: '0-1', pids: 20, ioWeight: 100 }
    expect(bodyOf({ limits })['resource_limits']).toEqual({
      cpu: { period: 100_000, quota: 50_000, cpus: '0-1' },
      pids: { limit: 20 },
      blockIO: { weight: 100 },
    })
    expect(bodyOf({ limits: { ...PLAN.limits, cpuset: '1' } })['resource_limits']).toEqual({ cpu: { cpus: '1' } })
  })

  test.each<[string, string, Readonly<Record<string, unknown>>]>([
    ['none', '4.3.1', { netns: { nsmode: 'none' } }],
    ['host', '4.3.1', { netns: { nsmode: 'host' } }],
    ['back', '4.3.1', { netns: { nsmode: 'bridge' }, Networks: { back: {} } }],
    ['back', '3.4.4', { netns: { nsmode: 'bridge' }, cni_networks: ['back'] }],
  ])('joins the network %s of Podman %s', (network, version, expected) => {
    expect(bodyOf({ network }, { version })).toMatchObject(expected)
  })

  test('publishes a port at its address only', () => {
    const ports = [{ container: 80, host: 8080, protocol: 'udp', address: '127.0.0.1' }] as const
    const expected = [{ container_port: 80, host_port: 8080, host_ip: '127.0.0.1', protocol: 'udp' }]
    expect(bodyOf({ ports })['portmappings']).toEqual(expected)
  })

  test('mounts folders, volumes, memory and secrets', () => {
    const body = bodyOf(
      {
        mounts: [
          { source: '/host', target: '/read' },
          { kind: 'host', source: '/host', target: '/write', access: 'rw' },
          { kind: 'volume', volume: 'data', target: '/data' },
          { kind: 'tmpfs', target: '/scratch', sizeBytes: 4096 },
        ],
        secrets: { password: Buffer.from('secret') },
      },
      { secretsFolder: '/run/user/1/secrets' },
    )
    expect(body['mounts']).toEqual([
      { type: 'bind', source: '/host', destination: '/read', options: ['rbind', 'rprivate', 'ro'] },
      { type: 'bind', source: '/host', destination: '/write', options: ['rbind', 'rprivate', 'rw'] },
      {
        type: 'tmpfs',
        source: 'tmpfs',
        destination: '/scratch',
        options: ['rw', 'nosuid', 'nodev', 'noexec', 'mode=1777', 'notmpcopyup', 'size=4096'],
      },
      {
        type: 'bind',
        source: '/run/user/1/secrets/password',
        destination: '/run/secrets/password',
        options: ['rbind', 'rprivate', 'ro', 'U'],
      },
    ])
    expect(body['volumes']).toEqual([{ Name: 'data', Dest: '/data', Options: ['rw'] }])
  })

  test('has the ids of its own only when a map is given', () => {
    const map = [{ containerId: 0, hostId: 1, size: 5 }]
    expect(bodyOf({}, { uidMap: map, gidMap: map })).toMatchObject({
      userns: { nsmode: 'private' },
      idmappings: { UIDMap: [{ container_id: 0, host_id: 1, size: 5 }], HostUIDMapping: false },
    })
  })

  test('tells the stop signal as a number', () => {
    expect(bodyOf({ stopSignal: 'SIGUSR1' })['stop_signal']).toBe(10)
    expect(bodyOf({ stopSignal: 'SIGRTMIN+3' })['stop_signal']).toBe(37)
  })

  test('is nothing when nothing would run: Podman would take the command of the image', () => {
    expect(() => bodyOf({ entrypoint: [], command: null })).toThrow(RootlessError)
    expect(bodyOf({ entrypoint: [], command: ['sh'] })).toMatchObject({ entrypoint: [], command: ['sh'] })
  })
})
