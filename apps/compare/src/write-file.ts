import { open, rename, rm } from 'node:fs/promises'
import { RootlessError } from 'rootless-runtime'

/**
 * Writes a whole file or none: beside it first, then renamed. On a full disk the file that was there stays as it was.
 *
 * @throws RootlessError `HOST_REFUSED` with what the system said.
 */
export async function writeFileWhole(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`
  try {
    const file = await open(beside, 'wx', 0o644)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => {})
    const said = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new RootlessError('HOST_REFUSED', `${path} was not written (${said}); a file that was there is as it was`, { cause })
  }
}
