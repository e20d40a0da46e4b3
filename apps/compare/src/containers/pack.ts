import { lstat, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { createLocalSystem } from '@rootless-runtime/host'
import { printable, RootlessError, type ProcessEnd } from 'rootless-runtime'

/** A tar stream that is being made. */
export interface Packed {
  readonly tar: Readable
  /** Fails when tar could not read everything. */
  readonly whole: Promise<void>
  /** Ends it although nobody reads the rest. */
  readonly stop: () => void
}

/** What is read of this machine, and what it is called in the stream: `null` for what is in a folder, without itself. */
export interface PackSource {
  readonly path: string
  readonly name: string | null
  readonly signal: AbortSignal
}

/** Whether a path of this machine is a folder. @throws RootlessError `PATH_NOT_FOUND` */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory() || (path.endsWith('/') && (await stat(path)).isDirectory())
  } catch (cause) {
    const said = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new RootlessError('PATH_NOT_FOUND', `${path}: ${said}`, { cause })
  }
}

/** A file or folder of this machine as a tar stream, owned by root inside, under a name of the caller's. */
export async function pack({ path, name, signal }: PackSource): Promise<Packed> {
  const source = resolve(path)
  const folder = await isFolder(path)
  const place = folder ? ['--directory', source, '.'] : ['--directory', dirname(source), `./${basename(source)}`]
  const spawned = await createLocalSystem({ signal }).spawn({
    file: 'tar',
    arguments: ['--create', '--file=-', '--owner=0', '--group=0', '--numeric-owner', ...toRename(name, folder), ...place],
    environment: { TAR_OPTIONS: undefined, LC_ALL: 'C' },
    lifetime: 'caller',
  })
  if (spawned.status !== 'ok') throw new RootlessError('HOST_REFUSED', `tar: ${spawned.reason}`)
  const { stdin, stdout, stderr, ended, kill } = spawned.value
  stdin.end()
  let words = ''
  stderr.on('data', (piece) => (words = `${words}${String(piece)}`.slice(0, 4000)))
  const whole = ended.then((end) => checkEnd(end, path, words))
  whole.catch(() => {})
  return { tar: stdout, whole, stop: () => kill('SIGKILL') }
}

function checkEnd(end: ProcessEnd, path: string, words: string): void {
  if ('exitCode' in end && end.exitCode === 0) return
  throw new RootlessError('HOST_REFUSED', `${path} was not read whole: ${printable(words, 400)}`)
}

/**
 * Names only, not the targets of links. For a folder its `.` becomes the name; a file is the whole of it. What stands for the name
 * is read by sed's rules.
 */
function toRename(name: string | null, folder: boolean): readonly string[] {
  if (name === null) return []
  if (/[\n\u0000]/u.test(name)) throw new RootlessError('INVALID_ARGUMENT', 'a name with a line break cannot be given')
  const escaped = name.replaceAll(/[\\&,]/gu, String.raw`\$&`)
  return [folder ? `--transform=flags=rh;s,^\\.,${escaped},` : `--transform=flags=rh;s,.*,${escaped},`]
}
