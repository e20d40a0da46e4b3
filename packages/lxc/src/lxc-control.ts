import { printable, RootlessError, type Machine } from '@rootless-runtime/core'
import { CONTAINER_FILES } from './lxc-messages.ts'

/** What is done to a running container. */
export interface ControlRequest {
  readonly machine: Machine
  readonly containersFolder: string
  readonly id: string
  readonly name: string
  readonly timeoutMs: number
}

/**
 * Sends a signal to the first process. Its ids are not ours, but whoever made a user namespace has every capability in it,
 * user_namespaces(7).
 */
export async function sendSignal({ machine, name, timeoutMs }: ControlRequest, pid: number, signal: string): Promise<void> {
  const answer = await machine.run({ file: 'kill', arguments: ['-s', signal.replace(/^SIG/u, ''), '--', String(pid)], timeoutMs })
  if (answer.status === 'exited' && answer.exitCode === 0) return
  const said = answer.status === 'exited' ? answer.stderr : answer.reason
  if ((await machine.status(`/proc/${pid}`)).status === 'absent') throw toNotRunning(name)
  throw new RootlessError('HOST_REFUSED', `${signal} was not sent to ${name}: ${printable(said)}`, {
    engine: 'lxc',
    evidence: said,
  })
}

/** Stops every process of a container, or lets them go on; LXC needs a freezer of the container's own for it. */
export async function freeze(request: ControlRequest, tool: 'lxc-freeze' | 'lxc-unfreeze'): Promise<void> {
  const { machine, containersFolder, id, name, timeoutMs } = request
  const mark = `${containersFolder}/${id}/${CONTAINER_FILES.paused}`
  // First, so that nobody enters a frozen container: lxc-attach would hang.
  if (tool === 'lxc-freeze') await machine.files.write(mark, '')
  const answer = await machine.run({ file: tool, arguments: ['-P', containersFolder, '-n', id], timeoutMs })
  const isDone = answer.status === 'exited' && answer.exitCode === 0
  if (isDone === (tool === 'lxc-unfreeze')) await machine.files.remove(mark)
  if (isDone) return
  const said = printable(answer.status === 'exited' ? answer.stderr : answer.reason)
  throw new RootlessError('NOT_SUPPORTED', `${name} cannot be ${tool === 'lxc-freeze' ? 'paused' : 'resumed'}: ${said}`, {
    engine: 'lxc',
    evidence: said,
  })
}

export function toNotRunning(name: string): RootlessError {
  return new RootlessError('NOT_RUNNING', `${printable(name)} does not run`, { engine: 'lxc' })
}
