import type { Actor, SetupUser } from './setup-plan.ts'
import { toUserEnvironment } from './user-places.ts'

const ROOT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The argument array that runs a command as root or as the user.
 *
 * The user's commands start in `/` with a clean environment. Root becomes the user by setpriv(1): su and runuser would call
 * PAM sessions, which move the command into cgroups of their own.
 */
export function toActorCommand(
  command: readonly string[],
  as: Actor,
  user: SetupUser,
  callerIsRoot: boolean,
): readonly [string, ...string[]] {
  if (as === 'root') return ['/usr/bin/env', `PATH=${ROOT_PATH}`, 'LC_ALL=C.UTF-8', ...command]
  const variables = Object.entries(toUserEnvironment(user)).map(([name, value]) => `${name}=${value}`)
  const clean = ['/usr/bin/env', '--chdir=/', '--ignore-environment', ...variables, ...command] as const
  return callerIsRoot ? ['/usr/bin/setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups', ...clean] : clean
}
