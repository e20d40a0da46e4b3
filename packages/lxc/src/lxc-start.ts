import { RootlessError, type Call, type Machine } from '@rootless-runtime/core'
import { unlessAborted } from './lxc-abort.ts'
import { parseEngineLog } from './lxc-engine-log.ts'
import { CONTAINER_FILES, type SupervisorEvent } from './lxc-messages.ts'
import type { LxcParts } from './lxc-parts.ts'
import { toNetworkRequest, toRootfsOf, type LxcRecord } from './lxc-record.ts'
import { toGone, toStartError } from './lxc-refusals.ts'
import type { CgroupScope } from './lxc-scope.ts'
import { decodeEvent, type SupervisorLink } from './lxc-supervise.ts'
import { toProgram, withTerminal } from './lxc-terminal.ts'
import { findUser, isRoot, type InsideUser } from './lxc-user.ts'
import { HOOK_SCRIPT, writeConfig } from './lxc-write-config.ts'

/** What a start works with. */
export interface StartContext {
  readonly machine: Machine
  readonly parts: LxcParts
  readonly record: LxcRecord
  readonly scope: CgroupScope
  readonly appArmorProfile: string
  readonly timeoutMs: number
}

const SECCOMP_PROFILE = '/usr/share/lxc/config/common.seccomp'
const KILL_MS = 5000
const ROOT: InsideUser = { uid: 0, gid: 0, home: '/root' }

/** The user of a container or of a command in it, by the container's own files. @throws RootlessError `USER_NOT_FOUND` */
export async function readUser({ parts, record }: Pick<StartContext, 'parts' | 'record'>, user: string): Promise<InsideUser> {
  if (isRoot(user)) return ROOT
  const folder = parts.store.containerFolder(record.id)
  const [passwd, group] = await Promise.all(['/etc/passwd', '/etc/group'].map((path) => parts.rootfs.readText(folder, path)))
  return findUser(user, passwd ?? '', group ?? '')
}

/** Starts a container by its supervisor; settles when its command runs. */
export async function startContainer(context: StartContext, link: Promise<SupervisorLink>, call: Call): Promise<void> {
  const { machine, parts, record, scope } = context
  link.catch(() => {})
  const folder = parts.store.containerFolder(record.id)
  const config = await prepareFiles(context, folder)
  const words = toStartLine(context, folder, config.defines)
  const program = record.terminal ? withTerminal(words) : toProgram(words)
  const supervisor = await link
  try {
    supervisor.ask({
      do: 'start',
      ...program,
      stdin: record.stdin || record.terminal,
      terminal: record.terminal,
      waitsForRelease: waitsForRelease(record),
      countsMemory: scope.version !== null && record.limits.memoryBytes !== null,
    })
    await unlessAborted(awaitStarted(context, supervisor, call), call.signal)
    await machine.files.remove(`${folder}/${CONTAINER_FILES.paused}`)
  } finally {
    supervisor.close()
  }
}

/** Without a network of its own there is nothing to prepare. */
function waitsForRelease({ network, ports }: LxcRecord): boolean {
  return ports.length > 0 || (network !== 'none' && network !== 'host')
}

async function prepareFiles(context: StartContext, folder: string): Promise<ReturnType<typeof writeConfig>> {
  const { machine, parts, record, scope, appArmorProfile } = context
  const [user, seccomp] = await Promise.all([
    readUser(context, record.user),
    machine.status(SECCOMP_PROFILE),
    parts.mounts.beforeStart?.(toRootfsOf(parts.store, record, null)),
  ])
  const config = writeConfig({
    record,
    user,
    hook: `${folder}/${CONTAINER_FILES.hook}`,
    waitsForRelease: waitsForRelease(record),
    cgroup: scope.version,
    seccompProfile: seccomp.status === 'ok' ? SECCOMP_PROFILE : null,
    appArmorProfile,
  })
  await Promise.all([
    machine.files.write(`${folder}/${CONTAINER_FILES.config}`, config.text),
    machine.files
      .makeDirectory(`${folder}/${CONTAINER_FILES.pipes}`)
      .then(() => machine.files.write(`${folder}/${CONTAINER_FILES.hook}`, HOOK_SCRIPT, { mode: 0o700 })),
  ])
  return config
}

function toStartLine({ parts, record, scope }: StartContext, folder: string, defines: readonly string[]): readonly string[] {
  const named = ['-F', '-q', '-n', record.id, '-P', parts.store.containersFolder]
  const logged = ['-o', `${folder}/${CONTAINER_FILES.engineLog}`, '-l', 'INFO']
  const defined = defines.flatMap((define) => ['-s', define])
  return [...scope.start, 'lxc-start', ...named, ...logged, ...defined, '--', ...record.command]
}

/** Answers the supervisor until the command runs, or did not come to run. */
async function awaitStarted(context: StartContext, supervisor: SupervisorLink, call: Call): Promise<void> {
  const settled = Promise.withResolvers<void>()
  let refusal: unknown
  const onEvent = async (event: SupervisorEvent): Promise<void> => {
    if (event.event === 'namespaces') refusal = await prepareNamespaces(context, supervisor, event.pid, call)
    if (event.event === 'started' || event.event === 'running') settled.resolve()
    if (event.event === 'refused') refusal = toPortRefusal(context.record, event.reason)
    if (event.event === 'failed') settled.reject(refusal ?? toFailure(context.record, event.log))
  }
  supervisor.listen((frame) => {
    if (frame === null) return settled.reject(toGone('the supervisor of the container ended during its start'))
    const event = decodeEvent(frame)
    if (event !== null) onEvent(event).catch(settled.reject)
  })
  await settled.promise
}

/** Gives what the network refused, after the start was told to stop: it fails then, and that is the reason. */
async function prepareNamespaces(
  { machine, parts, record }: StartContext,
  supervisor: SupervisorLink,
  pid: number,
  call: Call,
): Promise<unknown> {
  try {
    const serving = await parts.network.beforeCommand(toNetworkRequest(parts.store, record), pid, call)
    if (call.signal?.aborted === true) await endPrograms(machine, serving.pids)
    else supervisor.ask({ do: 'release', go: true, ...serving })
    return undefined
  } catch (error) {
    supervisor.ask({ do: 'release', go: false, pids: [], relays: [] })
    return error
  }
}

/** Nobody is told of them any more. */
async function endPrograms(machine: Machine, pids: readonly number[]): Promise<void> {
  if (pids.length > 0) await machine.run({ file: 'kill', arguments: ['-KILL', '--', ...pids.map(String)], timeoutMs: KILL_MS })
}

function toPortRefusal({ name }: LxcRecord, reason: string): RootlessError {
  return new RootlessError('PORT_IN_USE', `${name} did not start: a published port is taken: ${reason}`, { engine: 'lxc' })
}

function toFailure({ name, command }: LxcRecord, log: string): RootlessError {
  return toStartError(name, command, log, parseEngineLog(log).errors)
}
