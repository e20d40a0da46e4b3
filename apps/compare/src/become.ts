import { loadAdapters, loadDrivers, RootlessError } from 'rootless-runtime'
import type { Io } from './io.ts'

/** The ordinary user that `rootless setup` makes when root runs it and names none. */
export const SETUP_USER = 'rootless'

/**
 * Goes on as another user, for good. Everything is loaded first: that user may not be able to read the folder of this command.
 *
 * @throws RootlessError `INVALID_ARGUMENT` for a user that is not there, `HOST_REFUSED` for whoever is not root.
 */
export async function become(name: string, io: Io): Promise<void> {
  const { becomeUser, createLocalSystem } = await import('@rootless-runtime/host')
  const system = createLocalSystem({ signal: io.signal })
  if (system.user.name === name) return
  await Promise.all([loadAdapters(), import('./tell-error.ts')])
  await becomeUser(system, name)
}

/**
 * Who runs containers: an ordinary user. Root must say which one, and becomes that user.
 *
 * @throws RootlessError `INVALID_ARGUMENT` for root without a name, and as `become`.
 */
export async function becomeOwner(name: string | undefined, userOption: string, io: Io): Promise<void> {
  if (name === undefined) {
    if (io.userId !== 0) return
    throw new RootlessError(
      'INVALID_ARGUMENT',
      `containers run for ordinary users, and this is root: add ${userOption} ${SETUP_USER}, or whoever has the engines`,
    )
  }
  await Promise.all([loadDrivers(), import('./containers/tell-container-error.ts')])
  await become(name, io)
}

/** Whether an ordinary user of that name is there. */
export async function isUser(name: string, io: Io): Promise<boolean> {
  const { createLocalSystem } = await import('@rootless-runtime/host')
  const answer = await createLocalSystem({ signal: io.signal }).run({
    file: 'getent',
    arguments: ['passwd', '--', name],
    timeoutMs: 5000,
  })
  if (answer.status === 'exited') return answer.exitCode === 0
  throw new RootlessError('HOST_REFUSED', `getent passwd ${name}: ${answer.reason}`)
}
