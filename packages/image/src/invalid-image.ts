import { RootlessError, printable } from '@rootless-runtime/core'

/** An error about what an image archive holds. `where` names the archive, the layer or the document. */
export function invalidImage(where: string, reason: string, cause?: unknown): RootlessError {
  return new RootlessError('IMAGE_INVALID', `${where}: ${reason}`, cause === undefined ? {} : { cause })
}

/** An error about one entry of a tar. `name` holds one character per byte, as every name of this package does. */
export function invalidEntry(where: string, name: string, reason: string): RootlessError {
  return invalidImage(where, `the entry ${showName(name)} ${reason}`)
}

/** A name of a tar for people. */
export function showName(name: string): string {
  return JSON.stringify(printable(Buffer.from(name.slice(0, 1000), 'latin1').toString('utf8'), 120))
}

/** @throws RootlessError `ABORTED` */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError(signal)
}

export function abortedError(signal: AbortSignal): RootlessError {
  return new RootlessError('ABORTED', 'reading the image was aborted', { cause: signal.reason })
}
