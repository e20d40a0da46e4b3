import { constants } from 'node:fs'
import { stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { printable, type Answer } from '@rootless-runtime/core'
import { errorCode } from './answer-within.ts'
import { canAccess } from './read-file.ts'

/**
 * The first executable file of that name in the directories of `PATH`, or the file itself when an absolute path is given.
 *
 * Only PATH counts, without /usr/sbin and the like added: engines look up their helpers there too. Relative and empty entries
 * are ignored, so that the working directory never decides what runs.
 */
export async function findExecutable(name: string, pathVariable: string | undefined): Promise<Answer<string>> {
  const shown = printable(name)
  if (isAbsolute(name)) return await checkCandidates([name], `${shown} does not exist`)
  if (name === '' || name.includes('/')) return { status: 'failed', reason: `"${shown}" is neither a name nor an absolute path` }
  if (pathVariable === undefined) return { status: 'absent', reason: `${shown} cannot be found: PATH is not set` }
  const directories = pathVariable.split(':').filter((directory) => isAbsolute(directory))
  return await checkCandidates(
    directories.map((directory) => join(directory, name)),
    `${shown} is not on the PATH (${printable(pathVariable)})`,
  )
}

async function checkCandidates(candidates: readonly string[], absence: string): Promise<Answer<string>> {
  const denials: string[] = []
  for (const candidate of candidates) {
    if (!(await isRegularFile(candidate))) continue
    if (await canAccess(candidate, constants.X_OK)) return { status: 'ok', value: candidate }
    denials.push(candidate)
  }
  const [denied] = denials
  if (denied === undefined) return { status: 'absent', reason: absence }
  return { status: 'denied', reason: `${printable(denied)} is not executable for this user` }
}

async function isRegularFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (error) {
    // A directory of the PATH that this user may not enter holds nothing that this user could run.
    if (errorCode(error) !== '') return false
    throw error
  }
}
