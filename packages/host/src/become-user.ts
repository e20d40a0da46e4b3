import { chdir, env } from 'node:process'
import { RootlessError, type System } from '@rootless-runtime/core'
import { isUserName } from './setup/accounts.ts'

// What belongs to the session of the one who asked, and would lead to somebody else's engine.
const FOREIGN_VARIABLES = [
  'DBUS_SESSION_BUS_ADDRESS',
  'DOCKER_CONFIG',
  'DOCKER_CONTEXT',
  'DOCKER_HOST',
  'CONTAINER_HOST',
  'MAIL',
  'SUDO_COMMAND',
  'SUDO_GID',
  'SUDO_UID',
  'SUDO_USER',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_RUNTIME_DIR',
  'XDG_STATE_HOME',
]

/**
 * Makes this process, which runs as root, an ordinary user for good: ids, groups, environment and working directory. Modules
 * imported later must be readable by that user.
 *
 * @throws RootlessError `INVALID_ARGUMENT` for a user that does not exist, `HOST_REFUSED` when this process is not root.
 */
export async function becomeUser(system: System, name: string): Promise<void> {
  if (system.user.uid !== 0)
    throw new RootlessError('HOST_REFUSED', `only root can look as another user; this is ${system.user.name}`)
  if (!isUserName(name)) throw new RootlessError('INVALID_ARGUMENT', `${JSON.stringify(name)} is not a user name`)
  const answer = await system.run({ file: 'getent', arguments: ['passwd', '--', name], timeoutMs: 5000 })
  const fields = answer.status === 'exited' ? answer.stdout.trim().split(':') : []
  const [uid, gid] = [Number(fields[2]), Number(fields[3])]
  const home = fields[5]
  if (!Number.isInteger(uid) || !Number.isInteger(gid) || home === undefined) {
    throw new RootlessError(
      'INVALID_ARGUMENT',
      `there is no user ${JSON.stringify(name)} on this host; try: rootless setup --user ${name}`,
    )
  }
  const groupAnswer = await system.run({ file: 'id', arguments: ['-G', '--', name], timeoutMs: 5000 })
  const groups =
    groupAnswer.status === 'exited' ? groupAnswer.stdout.trim().split(' ').map(Number).filter(Number.isInteger) : [gid]
  const runtimeDirectory = `/run/user/${uid}`
  const runtime = await system.status(runtimeDirectory)
  process.setgroups?.(groups)
  process.setgid?.(gid)
  process.setuid?.(uid)
  for (const variable of FOREIGN_VARIABLES) delete env[variable]
  Object.assign(env, { HOME: home, USER: name, LOGNAME: name, SHELL: fields[6] ?? '/bin/sh' })
  if (runtime.status === 'ok' && runtime.value.uid === uid) env['XDG_RUNTIME_DIR'] = runtimeDirectory
  try {
    chdir(home)
  } catch {
    chdir('/')
  }
}
