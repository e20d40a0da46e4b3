import { loadAdapters, RootlessError } from 'rootless-runtime'
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
