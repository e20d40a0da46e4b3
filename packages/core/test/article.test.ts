import { describe, expect, test } from 'vitest'
import {
  ARTICLE_OF_2020,
  ENGINE_NAMES,
  supported,
  toArticleMatrix,
  unknown,
  unsupported,
  type MatrixCell,
  type Report,
} from '../src/index.ts'
import { AVAILABLE, createCapabilities, createReport, createReportOf } from './fixtures.ts'

function cellOf(report: Report, title: string, column = 0): MatrixCell {
  const cell = toArticleMatrix(report).rows.find((row) => row.title === title)?.cells[column]
  if (cell === undefined) throw new Error(`no cell ${title} ${column}`)
  return cell
}

const allThree = createReport(
  ENGINE_NAMES.map((engine) => ({ engine, availability: AVAILABLE, capabilities: createCapabilities() })),
)

test('has exactly the rows and the columns of the article', () => {
  const { columns, rows } = toArticleMatrix(allThree)
  expect(rows.map(({ title }) => title)).toEqual(['Networking', 'Storage', 'Cgroups'])
  expect(columns.map(({ title }) => title)).toEqual(['Docker', 'Podman', 'LXC'])
  expect(rows.map(({ cells }) => cells.length)).toEqual([3, 3, 3])
})

// The table as it was printed, row by row.
test.each([
  ['Networking', ['slirp4netns, lxc-user-nic, VPNKit', 'slirp4netns', 'lxc-user-nic']],
  ['Storage', ['FUSE-OverlayFS', 'FUSE-OverlayFS', 'VFS']],
  ['Cgroups', ['cgroups v2', 'cgroups v2', 'PAM module (libpam-cgfs)']],
])('%s: each cell ends with what the article said', (title, printed) => {
  const last = ENGINE_NAMES.map((_, column) => cellOf(allThree, title, column).details.at(-1))
  expect(last).toEqual(printed.map((words) => `2020: ${words}`))
})

test('the article has a column for every engine', () => {
  expect(Object.keys(ARTICLE_OF_2020)).toEqual([...ENGINE_NAMES])
})

describe('a cell says why what the article named is not so here', () => {
  test.each([
    ['not available', 'not vpnkit: vpnkit is not installed'],
    ['could be chosen instead', 'also lxc-user-nic, host, none'],
  ])('%s', (_, detail) => {
    expect(cellOf(allThree, 'Networking').details).toContain(detail)
  })

  test('a driver that nobody could look at is unknown, never "not"', () => {
    const { drivers } = createCapabilities().networking
    const report = createReportOf({ networking: { drivers: { ...drivers, vpnkit: unknown('denied') } } })
    expect(cellOf(report, 'Networking').details).toContain('vpnkit unknown: denied')
    expect(cellOf(report, 'Networking').details.filter((detail) => detail.startsWith('not vpnkit'))).toEqual([])
  })

  test('the layout of the article that this host does not have', () => {
    const { versions } = createCapabilities().cgroup
    const report = createReportOf({
      cgroup: {
        version: supported('hybrid', 'mounts'),
        versions: { ...versions, v2: unsupported('this host was booted with hybrid cgroups', 'mounts') },
      },
    })
    expect(cellOf(report, 'Cgroups')).toMatchObject({ value: 'hybrid' })
    expect(cellOf(report, 'Cgroups').details).toContain('not cgroup v2: this host was booted with hybrid cgroups')
  })

  test("LXC's PAM module", () => {
    expect(cellOf(allThree, 'Cgroups', 2).details).toContain('not pam: libpam-cgfs is not called')
  })

  test('an unknown manager', () => {
    const report = createReportOf({ cgroup: { manager: unknown('not reported') } })
    expect(cellOf(report, 'Cgroups').details).toContain('manager unknown: not reported')
  })
})

test('what is as the article said has no excuse', () => {
  expect(cellOf(allThree, 'Networking', 1).details.filter((detail) => detail.startsWith('not '))).toEqual([])
})

test('absent and unknown engines keep their reasons in all three rows', () => {
  for (const { cells } of toArticleMatrix(createReport()).rows) {
    expect(cells[1]).toMatchObject({ status: 'unsupported', details: ['podman is not on the PATH'] })
    expect(cells[2]).toMatchObject({ status: 'unknown', details: ['lxc-start --version did not end in time'] })
  }
})

test('the first row of an absent engine says what to do about it', () => {
  const [first, ...others] = toArticleMatrix(createReport()).rows
  expect(first?.cells[1]?.fix?.summary).toBe('install Podman')
  expect(others.map(({ cells }) => cells[1]?.fix)).toEqual([undefined, undefined])
})

test('an engine that is there and gave no capabilities is unknown in all three rows', () => {
  const report = createReport([{ engine: 'docker', availability: AVAILABLE, capabilities: null }])
  expect(toArticleMatrix(report).rows.map(({ cells }) => cells[0]?.status)).toEqual(['unknown', 'unknown', 'unknown'])
})
