import type { CgroupManager, CgroupVersion, NetworkDriver, StorageDriver } from './capabilities.ts'
import type { Capabilities, DriverUse } from './capabilities.ts'
import type { EngineName } from './engine.ts'
import type { Finding } from './finding.ts'
import { availableDrivers, buildMatrix, toDriverCell, type Matrix, type MatrixCell } from './matrix.ts'
import type { Report } from './report.ts'

/** One cell of the article's table: our words for what it names, and how it writes them. */
interface ArticleCell<Word> {
  readonly words: readonly Word[]
  readonly printed: string
}

interface ArticleColumn {
  readonly networking: ArticleCell<NetworkDriver>
  readonly storage: ArticleCell<StorageDriver>
  readonly cgroup: { readonly version?: CgroupVersion; readonly manager?: CgroupManager; readonly printed: string }
}

/** The table at the end of an article of December 2020 on Docker 20.10, Podman and LXC without root. */
export const ARTICLE_OF_2020: Readonly<Record<EngineName, ArticleColumn>> = {
  docker: {
    networking: { words: ['slirp4netns', 'lxc-user-nic', 'vpnkit'], printed: 'slirp4netns, lxc-user-nic, VPNKit' },
    storage: { words: ['fuse-overlayfs'], printed: 'FUSE-OverlayFS' },
    cgroup: { version: 'v2', printed: 'cgroups v2' },
  },
  podman: {
    networking: { words: ['slirp4netns'], printed: 'slirp4netns' },
    storage: { words: ['fuse-overlayfs'], printed: 'FUSE-OverlayFS' },
    cgroup: { version: 'v2', printed: 'cgroups v2' },
  },
  lxc: {
    networking: { words: ['lxc-user-nic'], printed: 'lxc-user-nic' },
    storage: { words: ['dir'], printed: 'VFS' },
    cgroup: { manager: 'pam', printed: 'PAM module (libpam-cgfs)' },
  },
}

/** Exactly the article's rows and columns, answered for this host, each cell beside what the article said. */
export function toArticleMatrix(report: Report): Matrix {
  return buildMatrix(report, [
    { title: 'Networking', cell: ({ networking }, engine) => toCell(networking, ARTICLE_OF_2020[engine].networking) },
    { title: 'Storage', cell: ({ storage }, engine) => toCell(storage, ARTICLE_OF_2020[engine].storage) },
    { title: 'Cgroups', cell: ({ cgroup }, engine) => toCgroupCell(cgroup, ARTICLE_OF_2020[engine].cgroup) },
  ])
}

interface DriverGroup<Word extends string> {
  readonly driver: Finding<Word>
  readonly drivers: Readonly<Record<Word, Finding<DriverUse>>>
}

function toCell<Word extends string>(group: DriverGroup<Word>, article: ArticleCell<Word>): MatrixCell {
  const others = availableDrivers(group.drivers)
  return toDriverCell(group.driver, [
    ...(others.length === 0 ? [] : [`also ${others.join(', ')}`]),
    ...article.words.flatMap((word) => whyNot(word, group.drivers[word])),
    `2020: ${article.printed}`,
  ])
}

function toCgroupCell(cgroup: Capabilities['cgroup'], article: ArticleColumn['cgroup']): MatrixCell {
  const manager =
    cgroup.manager.status === 'supported' ? `manager ${cgroup.manager.value}` : `manager unknown: ${cgroup.manager.reason}`
  return toDriverCell(cgroup.version, [
    manager,
    ...(article.version === undefined ? [] : whyNot(`cgroup ${article.version}`, cgroup.versions[article.version])),
    ...(article.manager === undefined ? [] : whyNot(article.manager, cgroup.managers[article.manager])),
    `2020: ${article.printed}`,
  ])
}

function whyNot(word: string, finding: Finding<DriverUse>): readonly string[] {
  switch (finding.status) {
    case 'supported':
      return []
    case 'unsupported':
      return [`not ${word}: ${finding.reason}`]
    case 'unknown':
      return [`${word} unknown: ${finding.reason}`]
  }
}
