import { printable, type IdRange, type LxcUsernetLine } from '@rootless-runtime/core'

export interface OwnCgroup {
  /** Empty for the unified tree of cgroup v2. */
  readonly controllers: readonly string[]
  readonly path: string
}

/** /proc/self/cgroup: `4:memory:/path` in v1, `0::/path` in the unified tree (cgroups(7)). */
export function parseOwnCgroups(text: string): readonly OwnCgroup[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\d+:([^:]*):(\/.*)$/u.exec(line)
    if (match?.[1] === undefined || match[2] === undefined) return []
    return [{ controllers: match[1] === '' ? [] : match[1].split(','), path: match[2] }]
  })
}

/** subuid(5) and subgid(5): the ranges of a user, named or by number. Broken lines are left out. */
export function parseSubordinateIds(text: string, user: { readonly name: string; readonly uid: number }): readonly IdRange[] {
  return text.split('\n').flatMap((line) => {
    const [who, start = '', count = ''] = line.trim().split(':')
    if (who !== user.name && who !== String(user.uid)) return []
    if (!/^\d{1,10}$/u.test(start) || !/^\d{1,10}$/u.test(count) || Number(count) === 0) return []
    return [{ start: Number(start), count: Number(count) }]
  })
}

/** lxc-usernet(5): `USER|@GROUP TYPE BRIDGE COUNT`; comments and broken lines are left out. */
export function parseLxcUsernet(text: string): readonly LxcUsernetLine[] {
  return text.split('\n').flatMap((line) => {
    const [who, type, bridge, count = ''] = line.trim().split(/\s+/u)
    if (who === undefined || who.startsWith('#') || type === undefined || bridge === undefined || !/^\d{1,6}$/u.test(count))
      return []
    return [{ who, type, bridge, count: Number(count) }]
  })
}

/** os-release(5): `KEY=value`, quoted or not. */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const match = /^([A-Z_]+)=(?:"([^"]*)"|'([^']*)'|(\S*))$/u.exec(line.trim())
      return match?.[1] === undefined ? [] : [[match[1], match[2] ?? match[3] ?? match[4] ?? ''] as const]
    }),
  )
}

/** The controllers that pam_cgfs.so hands to a login, from a file of /etc/pam.d. */
export function parsePamCgfs(text: string): readonly string[] | undefined {
  const line = text.split('\n').find((each) => !each.trimStart().startsWith('#') && each.includes('pam_cgfs.so'))
  if (line === undefined) return undefined
  return /-c\s+(\S+)/u.exec(line)?.[1]?.split(',') ?? []
}

/** The version that a tool prints beside its own name, as `1.2.0` or pasta's `0.0~git20230309`; `null` when it prints none. */
export function parseToolVersion(name: string, text: string): string | null {
  const words = text.slice(0, 4096).split(/\s+/u)
  const start = words.findIndex((word) => word.replace(/:$/u, '') === name)
  if (start === -1) return null
  const version = words.slice(start + 1, start + 4).find((word) => /^v?\d+\.\d/u.test(word))
  return version === undefined ? null : printable(version.replace(/^v/u, ''))
}
