import { RootlessError } from '../errors.ts'
import { printable } from '../printable.ts'
import type { Machine, SpawnedProcess } from '../system.ts'
import { invalid } from './check-words.ts'

/** A file or folder of the host as a tar stream, of which all belongs to root; tar(1) of the host makes it. */
export async function* packPath(machine: Machine, path: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  const status = await machine.status(path)
  if (!path.startsWith('/')) throw invalid('copyIn', path, 'it is an absolute path')
  if (status.status !== 'ok') throw invalid('copyIn', path, status.reason)
  const cut = path.replace(/\/+$/u, '').lastIndexOf('/')
  const name = path.replace(/\/+$/u, '').slice(cut + 1)
  const folder = path.slice(0, cut) || '/'
  const words = ['-C', folder, '--numeric-owner', '--owner=0', '--group=0', '-cf', '-', '--', name === '' ? '.' : name]
  const started = await machine.spawn({ file: 'tar', arguments: words, lifetime: 'caller' })
  if (started.status !== 'ok') throw new RootlessError('HOST_REFUSED', `tar cannot be started: ${started.reason}`)
  yield* readToEnd(started.value, signal)
}

async function* readToEnd(tar: SpawnedProcess, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  const errors: string[] = []
  tar.stderr.on('data', (chunk: Uint8Array) => {
    if (errors.length < 20) errors.push(new TextDecoder().decode(chunk))
  })
  tar.stdin.end()
  const onAbort = (): void => tar.kill('SIGKILL')
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    for await (const chunk of tar.stdout) if (chunk instanceof Uint8Array) yield chunk
    const end = await tar.ended
    if ('exitCode' in end && end.exitCode === 0) return
    throw new RootlessError('HOST_REFUSED', `tar could not read everything: ${printable(errors.join(''))}`)
  } finally {
    signal?.removeEventListener('abort', onAbort)
    tar.kill('SIGKILL')
  }
}
