import { posix } from 'node:path'
import { printable, RootlessError, type Call, type Machine, type PublishedPort } from '@rootless-runtime/core'
import { throwIfAborted } from './lxc-mapped.ts'
import { PASTA_PID_FILE } from './lxc-messages.ts'
import { toPortError } from './lxc-publish.ts'

/** Inside, the name server of this host, whichever it is: an address that belongs to no one (RFC 3927). */
export const PASTA_NAME_SERVER = '169.254.1.1'

/**
 * Gives a network namespace the host's own address, and its published ports. The host's loopback stays out of reach. Its pid is the
 * answer; it runs until it is ended.
 *
 * @throws RootlessError `HOST_REFUSED`, `PORT_IN_USE`
 */
export async function startPasta(
  machine: Machine,
  {
    pid,
    containerFolder,
    ports,
  }: { readonly pid: number; readonly containerFolder: string; readonly ports: readonly PublishedPort[] },
  { signal }: Call,
): Promise<number> {
  throwIfAborted(signal)
  const pidFile = posix.join(containerFolder, PASTA_PID_FILE)
  await machine.files.remove(pidFile)
  const answer = await machine.run({ file: 'pasta', arguments: [...toArguments(ports, pidFile), String(pid)], timeoutMs: 5000 })
  const written = await machine.readText(pidFile)
  const own = written.status === 'ok' ? Number.parseInt(written.value, 10) : Number.NaN
  if (answer.status === 'exited' && answer.exitCode === 0 && Number.isInteger(own)) return own
  const said = printable(answer.status === 'exited' ? answer.stderr : answer.reason)
  const [port] = ports
  if (port !== undefined && /failed to bind|Address already in use/iu.test(said)) throw await toPortError(machine, port, said)
  throw new RootlessError('HOST_REFUSED', `pasta gives the container no network: ${said}`, { engine: 'lxc', evidence: said })
}

/** pasta(1). `-T` and `-U`: nothing of the host's loopback is given to the container. */
export function toArguments(ports: readonly PublishedPort[], pidFile: string): readonly string[] {
  const published = (['tcp', 'udp'] as const).flatMap((protocol) => {
    const option = protocol === 'tcp' ? '-t' : '-u'
    const own = ports.filter((port) => port.protocol === protocol)
    return own.length === 0
      ? [option, 'none']
      : own.flatMap(({ address, host, container }) => [option, `${address}/${host}:${container}`])
  })
  const closed = ['-T', 'none', '-U', 'none', '--no-map-gw']
  return ['--config-net', '--quiet', ...published, ...closed, '--dns-forward', PASTA_NAME_SERVER, '-P', pidFile]
}
