import { describe, expect, test } from 'vitest'
import {
  ENGINE_NAMES,
  LIMIT_NAMES,
  supported,
  toMatrix,
  unknown,
  unsupported,
  type Capabilities,
  type Finding,
  type LimitName,
  type MatrixCell,
  type Report,
} from '../src/index.ts'
import { AVAILABLE, createCapabilities, createReport, createReportOf, FIX } from './fixtures.ts'

function cellOf(report: Report, title: string, column = 0): MatrixCell {
  const cell = toMatrix(report).rows.find((row) => row.title === title)?.cells[column]
  if (cell === undefined) throw new Error(`no cell ${title} ${column}`)
  return cell
}

describe('the matrix of an engine that works, one that is absent and one that nobody could ask', () => {
  const matrix = toMatrix(createReport())

  test('has a column per engine, in their order, and five rows', () => {
    expect(matrix.columns).toEqual([
      { engine: 'docker', title: 'Docker' },
      { engine: 'podman', title: 'Podman' },
      { engine: 'lxc', title: 'LXC' },
    ])
    expect(matrix.rows.map(({ title }) => title)).toEqual(['Engine', 'Networking', 'Storage', 'Cgroups', 'Limits'])
  })

  test.each(matrix.rows)('$title has a cell per engine, each with a status and a text', ({ cells }) => {
    expect(cells).toHaveLength(ENGINE_NAMES.length)
    for (const { status, value, details } of cells) {
      expect(['supported', 'unsupported', 'unknown']).toContain(status)
      expect(value.trim()).not.toBe('')
      expect(details.filter((detail) => detail.trim() === '')).toEqual([])
    }
  })

  test.each(matrix.rows)('$title never turns "could not look" into "no", nor "no" into "could not look"', ({ cells }) => {
    expect(cells.slice(1).map(({ status }) => status)).toEqual(['unsupported', 'unknown'])
  })

  test.each(matrix.rows)(
    '$title gives the reason of the engine that is not there, and of the one that is unknown',
    ({ cells }) => {
      expect(cells[1]?.details).toEqual(['podman is not on the PATH'])
      expect(cells[2]?.details).toEqual(['lxc-start --version did not end in time'])
    },
  )

  test('shows the one next command of the absent engine', () => {
    expect(cellOf(createReport(), 'Engine', 1).fix?.summary).toBe('install Podman')
  })

  test.each([
    ['Engine', '20.10.24', 'unix:///run/user/1000/docker.sock'],
    ['Networking', 'slirp4netns', 'ports by builtin'],
    ['Networking', 'slirp4netns', 'MTU 65520'],
    ['Networking', 'slirp4netns', 'also lxc-user-nic, host, none'],
    ['Storage', 'overlay', 'since Linux 5.11'],
    ['Storage', 'overlay', 'layers shared'],
    ['Storage', 'overlay', 'on ext4'],
    ['Storage', 'overlay', 'also fuse-overlayfs, vfs'],
    ['Cgroups', 'v2', 'manager systemd'],
    ['Cgroups', 'v2', 'controllers cpu, memory, pids'],
    ['Limits', 'memory, cpu, pids', 'not applied: io'],
    ['Limits', 'memory, cpu, pids', 'unknown: cpuset'],
    ['Limits', 'memory, cpu, pids', 'the io controller is not delegated'],
  ])('%s of the engine that works is %s, and says %s', (title, value, detail) => {
    expect(cellOf(createReport(), title)).toMatchObject({ status: 'supported', value, details: expect.arrayContaining([detail]) })
  })
})

test('a driver that does not work keeps its reason and its fix', () => {
  const report = createReportOf({ networking: { driver: unsupported('no tun', '/dev/net/tun', FIX) } })
  expect(cellOf(report, 'Networking')).toMatchObject({ status: 'unsupported', value: 'none works', fix: FIX })
  expect(cellOf(report, 'Networking').details[0]).toBe('no tun')
})

test('an unknown driver has its reason first, and no value of its own', () => {
  const report = createReportOf({ storage: { driver: unknown('docker info was cut') } })
  expect(cellOf(report, 'Storage')).toMatchObject({ status: 'unknown', value: 'unknown' })
  expect(cellOf(report, 'Storage').details[0]).toBe('docker info was cut')
})

test.each<readonly [string, Capabilities['cgroup']['manager'], string]>([
  ['unknown', unknown('not reported'), 'manager unknown: not reported'],
  ['none', supported('none', 'info'), 'manager none'],
])('a cgroup manager that is %s is said', (_, manager, detail) => {
  expect(cellOf(createReportOf({ cgroup: { manager } }), 'Cgroups').details).toContain(detail)
})

test('no controllers is said in words', () => {
  const report = createReportOf({ cgroup: { controllers: supported([], 'cgroup.controllers') } })
  expect(cellOf(report, 'Cgroups').details).toContain('no controllers')
})

test.each<readonly [string, Finding<true>, string]>([
  ['by this library', supported(true, 'looked'), 'ports by rootless run alone'],
  ['by nobody', unsupported('nothing forwards one', 'looked'), 'publishes no ports'],
  ['by nobody knows whom', unknown('denied'), 'publishes no ports'],
])('ports that the engine itself does not publish, but are published %s', (_, publish, detail) => {
  const portDriver = supported('none', 'man') satisfies Capabilities['networking']['portDriver']
  const { properties } = createCapabilities().networking
  const report = createReportOf({ networking: { portDriver, properties: { ...properties, publish } } })
  expect(cellOf(report, 'Networking').details).toContain(detail)
})

function limitsOf(finding: Finding<true>): Readonly<Record<LimitName, Finding<true>>> {
  return { memory: finding, cpu: finding, pids: finding, io: finding, cpuset: finding }
}

test.each<readonly [string, Finding<true>, MatrixCell['status'], string, readonly string[]]>([
  ['are applied', supported(true, 'e'), 'supported', LIMIT_NAMES.join(', '), []],
  ['are not applied', unsupported('nothing is delegated', 'e', FIX), 'unsupported', 'none applied', ['nothing is delegated']],
  ['are unknown', unknown('timed out'), 'unknown', 'unknown', [`unknown: ${LIMIT_NAMES.join(', ')}`, 'timed out']],
])('limits that all %s', (_, finding, status, value, details) => {
  expect(cellOf(createReportOf({ cgroup: { limits: limitsOf(finding) } }), 'Limits')).toMatchObject({ status, value, details })
})

test('limits of which none is applied and one is unknown are no "no" for that one', () => {
  const limits = { ...limitsOf(unsupported('nothing is delegated', 'e', FIX)), io: unknown('timed out') }
  const cell = cellOf(createReportOf({ cgroup: { limits } }), 'Limits')
  expect(cell).toMatchObject({ status: 'unsupported', fix: FIX })
  expect(cell.details).toContain('unknown: io')
})

test('an engine that is there and gave no capabilities is unknown, not absent', () => {
  const report = createReport([{ engine: 'docker', availability: AVAILABLE, capabilities: null }])
  expect(toMatrix(report).rows.map(({ cells }) => cells[0]?.status)).toEqual([
    'supported',
    'unknown',
    'unknown',
    'unknown',
    'unknown',
  ])
})

test('a report of one engine has one column', () => {
  const capabilities: Capabilities = createCapabilities()
  expect(toMatrix(createReport([{ engine: 'lxc', availability: AVAILABLE, capabilities }])).columns).toEqual([
    { engine: 'lxc', title: 'LXC' },
  ])
})
