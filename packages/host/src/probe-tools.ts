import { basename } from 'node:path'
import {
  known,
  TOOL_NAMES,
  unknownFact,
  type Answer,
  type Fact,
  type System,
  type ToolFact,
  type ToolName,
} from '@rootless-runtime/core'
import { parseToolVersion } from './parse-proc.ts'

const VERSION_TIMEOUT_MS = 2000
const SETUID = 0o4000

interface ToolDefinition {
  /** Names on the PATH and absolute paths, in the order to look. */
  readonly places: readonly string[]
  /** Whether it has a `--version`. */
  readonly printsVersion: boolean
  /** Whether the tool needs privilege to be of use, so that file capabilities are looked for. */
  readonly needsPrivilege?: true
}

const TOOLS: Readonly<Record<ToolName, ToolDefinition>> = {
  newuidmap: { places: ['newuidmap'], printsVersion: false, needsPrivilege: true },
  newgidmap: { places: ['newgidmap'], printsVersion: false, needsPrivilege: true },
  slirp4netns: { places: ['slirp4netns'], printsVersion: true },
  pasta: { places: ['pasta'], printsVersion: true },
  'lxc-user-nic': {
    places: [
      '/usr/libexec/lxc/lxc-user-nic',
      '/usr/lib/x86_64-linux-gnu/lxc/lxc-user-nic',
      '/usr/lib/aarch64-linux-gnu/lxc/lxc-user-nic',
      '/usr/lib/lxc/lxc-user-nic',
    ],
    printsVersion: false,
    needsPrivilege: true,
  },
  vpnkit: { places: ['vpnkit'], printsVersion: true },
  'gvisor-tap-vsock': {
    places: ['gvproxy', '/usr/libexec/podman/gvproxy', '/usr/lib/podman/gvproxy'],
    printsVersion: true,
  },
  'fuse-overlayfs': { places: ['fuse-overlayfs'], printsVersion: true },
  crun: { places: ['crun'], printsVersion: true },
  runc: { places: ['runc', '/usr/sbin/runc'], printsVersion: true },
  rootlesskit: { places: ['rootlesskit'], printsVersion: true },
}

/** Every tool: where it is, how it gets its rights, and what it prints of itself. */
export async function probeTools(system: System): Promise<Readonly<Record<ToolName, Fact<ToolFact>>>> {
  const found = await Promise.all(TOOL_NAMES.map(async (name) => ({ name, answer: await findFirst(system, TOOLS[name].places) })))
  const paths = found.flatMap(({ name, answer }) => (TOOLS[name].printsVersion && answer.status === 'ok' ? [answer.value] : []))
  const versions = readVersions(system, paths)
  const facts = await Promise.all(
    found.map(async ({ name, answer }) => [name, await probeTool(system, TOOLS[name], answer, versions)] as const),
  )
  // Every name of the closed list is answered above; the type of fromEntries cannot say so.
  return Object.fromEntries(facts) as Record<ToolName, Fact<ToolFact>>
}

async function probeTool(
  system: System,
  { places, needsPrivilege }: ToolDefinition,
  found: Answer<string>,
  versions: Promise<ReadonlyMap<string, string | null>>,
): Promise<Fact<ToolFact>> {
  const source = `looked for ${places.join(', ')}`
  if (found.status === 'absent') return known({ present: false }, source)
  if (found.status !== 'ok') return unknownFact(found.reason, source)
  const path = found.value
  const status = await system.status(path)
  if (status.status !== 'ok') return unknownFact(status.reason, path)
  const version = (await versions).get(path) ?? null
  if ((status.value.mode & SETUID) !== 0 && status.value.uid === 0)
    return known({ present: true, path, version, privilege: 'setuid' }, path)
  const capable = needsPrivilege ? await hasCapabilities(system, path) : false
  if (capable === undefined)
    return unknownFact('it is not setuid root, and getcap(8) is not there to tell its file capabilities', path)
  return known({ present: true, path, version, privilege: capable ? 'capabilities' : 'none' }, path)
}

async function findFirst(system: System, places: readonly string[]): Promise<Answer<string>> {
  let last: Answer<string> = { status: 'absent', reason: 'no place to look' }
  for (const place of places) {
    last = await system.findExecutable(place)
    if (last.status !== 'absent') return last
  }
  return last
}

// A fixed script: one process of ours for all tools, and none but the tools. NUL stands before and after the path of each.
const VERSIONS_SCRIPT = `for tool in "$@"; do
  printf '\\0%s\\0' "$tool"
  "$tool" --version 2>&1 </dev/null
done`

/** What each tool prints when it is asked for its version, by path; `null` for one that prints none. */
async function readVersions(system: System, paths: readonly string[]): Promise<ReadonlyMap<string, string | null>> {
  if (paths.length === 0) return new Map()
  const answer = await system.run({
    file: 'sh',
    arguments: ['-c', VERSIONS_SCRIPT, 'versions', ...paths],
    // One that hangs or floods takes the versions of those after it along; that they are there is known all the same.
    timeoutMs: VERSION_TIMEOUT_MS,
    maximumOutputBytes: 65_536,
  })
  const pieces = answer.status === 'absent' ? [] : answer.stdout.split('\0')
  return new Map(paths.map((path) => [path, parseToolVersion(basename(path), pieces[pieces.indexOf(path) + 1] ?? '')] as const))
}

async function hasCapabilities(system: System, path: string): Promise<boolean | undefined> {
  const getcap = await findFirst(system, ['getcap', '/usr/sbin/getcap', '/sbin/getcap'])
  if (getcap.status !== 'ok') return undefined
  const answer = await system.run({ file: getcap.value, arguments: [path], timeoutMs: VERSION_TIMEOUT_MS })
  return answer.status === 'exited' ? /cap_set[ug]id/u.test(answer.stdout) : undefined
}
