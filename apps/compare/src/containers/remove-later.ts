import { access, constants, realpath } from 'node:fs/promises'
import { createLocalSystem } from '@rootless-runtime/host'
import { RootlessError, type Container } from 'rootless-runtime'

/** The hidden command that waits for the end of a container and removes it. */
export const REMOVE_LATER = 'remove-when-ended'

/**
 * This very program, to be started once more. No engine of ours has a daemon that removes for others, so that `-d --rm` needs a
 * process that stays.
 *
 * @throws RootlessError `NOT_SUPPORTED` when this user cannot read it.
 */
export async function findOwnProgram(): Promise<string> {
  try {
    const path = await realpath(process.argv[1] ?? '')
    await access(path, constants.R_OK)
    return path
  } catch (cause) {
    throw new RootlessError('NOT_SUPPORTED', '-d and --rm: this user cannot read the program that would stay to remove it', {
      cause,
    })
  }
}

/** Starts the process that removes a container when it has ended. */
export async function removeLater({ engine, id }: Container, program: string): Promise<void> {
  const started = await createLocalSystem().spawn({
    file: process.execPath,
    arguments: [program, REMOVE_LATER, '--engine', engine, id],
    workingDirectory: '/',
    lifetime: 'detached',
  })
  if (started.status !== 'ok') throw new RootlessError('HOST_REFUSED', `nobody could be started to remove it: ${started.reason}`)
}
