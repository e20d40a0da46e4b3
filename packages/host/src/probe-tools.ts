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
  /** How to ask for the version; `null` for tools that have no way. */
  readonly versionArguments: readonly string[] | null
  /** Whether the tool needs privilege to be of use, so that file capabilities are looked for. */
  readonly needsPrivilege?: true
}

const TOOLS: Readonly<Record<ToolName, ToolDefinition>> = {
  newuidmap: { places: ['newuidmap'], versionArguments: null, needsPrivilege: true },
  newgidmap: { places: ['newgidmap'], versionArguments: null, needsPrivilege: true },
  slirp4netns: { places: ['slirp4netns'], versionArguments: ['--version'] },
  pasta: { places: ['pasta'], versionArguments: ['--version'] },
  'lxc-user-nic': {
    places: [
      '/usr/libexec/lxc/lxc-user-nic',
      '/usr/lib/x86_64-linux-gnu/lxc/lxc-user-nic',
      '/usr/lib/aarch64-linux-gnu/lxc/lxc-user-nic',
      '/usr/lib/lxc/lxc-user-nic',
    ],
    versionArguments: null,
    needsPrivilege: true,
  },
  vpnkit: { places: ['vpnkit'], versionArguments: ['--version'] },
  'gvisor-tap-vsock': {
    places: ['gvproxy', '/usr/libexec/podman/gvproxy', '/usr/lib/podman/gvproxy'],
    versionArguments: ['--version'],
  },
  'fuse-overlayfs': { places: ['fuse-overlayfs'], versionArguments: ['--version'] },
  crun: { places: ['crun'], versionArguments: ['--version'] },
  runc: { places: ['runc', '/usr/sbin/runc'], versionArguments: ['--version'] },
  rootlesskit: { places: ['rootlesskit'], versionArguments: ['--version'] },
}

export async function probeTools(system: System): Promise<Readonly<Record<ToolName, Fact<ToolFact>>>> {
  const facts = await Promise.all(TOOL_NAMES.map(async (name) => [name, await probeTool(system, TOOLS[name])] as const))
  // Every name of the closed list is answered above; the type of fromEntries cannot say so.
  return Object.fromEntries(facts) as Record<ToolName, Fact<ToolFact>>
}

async function probeTool(system: System, { places, versionArguments, needsPrivilege }: ToolDefinition): Promise<Fact<ToolFact>> {
  const source = `looked for ${places.join(', ')}`
  const found = await findFirst(system, places)
  if (found.status === 'absent') return known({ present: false }, source)
  if (found.status !== 'ok') return unknownFact(found.reason, source)
  const path = found.value
  const [status, version, capable] = await Promise.all([
    system.status(path),
    versionArguments === null ? null : readVersion(system, path, versionArguments),
    needsPrivilege ? hasCapabilities(system, path) : false,
  ])
  if (status.status !== 'ok') return unknownFact(status.reason, path)
  const setuid = (status.value.mode & SETUID) !== 0 && status.value.uid === 0
  if (!setuid && capable === undefined)
    return unknownFact('it is not setuid root, and getcap(8) is not there to tell its file capabilities', path)
  return known({ present: true, path, version, privilege: setuid ? 'setuid' : capable === true ? 'capabilities' : 'none' }, path)
}

async function findFirst(system: System, places: readonly string[]): Promise<Answer<string>> {
  let last: Answer<string> = { status: 'absent', reason: 'no place to look' }
  for (const place of places) {
    last = await system.findExecutable(place)
    if (last.status !== 'absent') return last
  }
  return last
}

async function readVersion(system: System, path: string, versionArguments: readonly string[]): Promise<string | null> {
  const answer = await system.run({
    file: path,
    arguments: versionArguments,
    timeoutMs: VERSION_TIMEOUT_MS,
    maximumOutputBytes: 65_536,
  })
  return answer.status === 'exited'
    ? parseToolVersion(basename(path), answer.stdout === '' ? answer.stderr : answer.stdout)
    : null
}

async function hasCapabilities(system: System, path: string): Promise<boolean | undefined> {
  const getcap = await findFirst(system, ['getcap', '/usr/sbin/getcap', '/sbin/getcap'])
  if (getcap.status !== 'ok') return undefined
  const answer = await system.run({ file: getcap.value, arguments: [path], timeoutMs: VERSION_TIMEOUT_MS })
  return answer.status === 'exited' ? /cap_set[ug]id/u.test(answer.stdout) : undefined
}
