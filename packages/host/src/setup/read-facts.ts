import { known, unknownFact, type Fact, type System } from '@rootless-runtime/core'

/** The text of a regular file, and `null` when there is none. Anything else at that path (a fifo, a folder) is unknown. */
export async function readTextFact(system: System, path: string): Promise<Fact<string | null>> {
  const status = await system.status(path)
  if (status.status === 'absent') return known(null, path)
  if (status.status !== 'ok') return unknownFact(status.reason, path)
  if (status.value.kind !== 'file') return unknownFact(`is not a file but a ${status.value.kind}`, path)
  const text = await system.readText(path)
  if (text.status === 'absent') return known(null, path)
  return text.status === 'ok' ? known(text.value, path) : unknownFact(text.reason, path)
}

/** The permission bits of a path, and `null` when it is absent. */
export async function readMode(system: System, path: string): Promise<Fact<number | null>> {
  const status = await system.status(path)
  if (status.status === 'absent') return known(null, path)
  return status.status === 'ok' ? known(status.value.mode, path) : unknownFact(status.reason, path)
}
