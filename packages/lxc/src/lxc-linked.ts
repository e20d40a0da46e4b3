import { known, printable, unknownFact, type Fact, type System } from '@rootless-runtime/core'
import { describeFailure } from './lxc-errors.ts'

// liblxc can ask the user's systemd since 5.0.1, by one of these; Debian 12 builds its 5.0.2 without.
const BUS_LIBRARY = /^\s*lib(?:systemd|dbus-1)\.so/mu
const LIBRARY = /^\s*liblxc\.so/mu

/** Asks the loader which libraries lxc-start comes with: without one for the bus it cannot ask systemd for a scope. */
export async function readLinksSystemd(system: System, program: string, timeoutMs: number): Promise<Fact<boolean>> {
  const source = `ldd ${printable(program)}`
  const answer = await system.run({ file: 'ldd', arguments: [program], timeoutMs, environment: { LC_ALL: 'C' } })
  if (answer.status !== 'exited' || answer.exitCode !== 0) return unknownFact(describeFailure(source, answer), source)
  return LIBRARY.test(answer.stdout)
    ? known(BUS_LIBRARY.test(answer.stdout), source)
    : unknownFact(`${source} names no liblxc`, source)
}
