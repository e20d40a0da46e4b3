import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { RootlessError } from 'rootless-runtime'

const NEW_FILE_MODE = 0o644

/**
 * Writes a whole file or none: beside it first, then renamed. On a full disk the file that was there stays as it was. A link
 * stays a link; a device or a pipe, as `/dev/stdout`, is written to and never replaced.
 *
 * @throws RootlessError `HOST_REFUSED` with what the system said.
 */
export async function writeFileWhole(path: string, text: string): Promise<void> {
  try {
    const there = await stat(path).catch(() => null)
    if (there === null) await replaceFile(path, text, NEW_FILE_MODE)
    else if (there.isFile()) await replaceFile(await realpath(path), text, there.mode & 0o777)
    else await writeFile(path, text, { flag: 'r+' })
  } catch (cause) {
    const said = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new RootlessError('HOST_REFUSED', `${path} was not written (${said}); a file that was there is as it was`, { cause })
  }
}

async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`
  try {
    const file = await open(beside, 'wx', mode)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => {})
    throw cause
  }
}
