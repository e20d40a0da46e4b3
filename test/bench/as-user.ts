import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const USER = process.env['TEST_USER'] ?? 'rootless'

/** Runs a script of this repository as the ordinary user whose engines are measured, with that user's environment alone; gives what it printed. */
export function runAsUser(script: string, words: readonly string[]): string {
  const [, , uid = '', gid = '', , home = ''] = spawnSync('getent', ['passwd', USER], { encoding: 'utf8' })
    .stdout.trim()
    .split(':')
  if (uid === '') throw new Error(`there is no user ${USER}; set the machine up by: npx -y pnpm@12 start --yes`)
  const asUser = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--']
  const environment = {
    HOME: home,
    USER,
    LOGNAME: USER,
    PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
    XDG_RUNTIME_DIR: `/run/user/${uid}`,
  }
  const readable = spawnSync('setpriv', [...asUser.slice(1), 'test', '-r', join(root, 'package.json')]).status === 0
  const command = [...asUser, process.execPath, script, ...words]
  const [file = '', ...rest] = readable ? command : atAnotherPlace(command)
  const { status, stdout } = spawnSync(file, rest, {
    cwd: '/',
    env: environment,
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`measuring as ${USER} ended with ${status}`)
  return stdout
}

// A clone below a closed folder, such as root's home, shown at a place that everybody may pass: see test/run.ts.
function atAnotherPlace(command: readonly string[]): readonly string[] {
  const place = '/mnt'
  const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
  const moved = command.map((word) => (word.startsWith(root) ? place + word.slice(root.length) : word))
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'at-another-place', root, place, ...moved]
}
