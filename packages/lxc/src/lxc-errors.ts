import { printable, RootlessError, setupFix, type CommandAnswer } from '@rootless-runtime/core'

/** LXC has no rootful daemon to refuse: whoever runs its tools as root gets privileged containers. */
export const PRIVILEGED = 'asked as root, LXC makes privileged containers; ask as an ordinary user'

export const SETUP_FIX = setupFix('install LXC and let this user make containers', 'lxc')

/** LXC's words on stderr, with what they mean. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['error while loading shared libraries', 'liblxc is missing or of another version'],
  ['Permission denied', 'this user may not run it'],
])

/** Why one of LXC's tools did not answer, in words for people. */
export function describeFailure(asked: string, answer: CommandAnswer): string {
  if (answer.status !== 'exited') return `${asked}: ${printable(answer.reason)}`
  const meaning = [...WORDS].find(([words]) => answer.stderr.includes(words))?.[1]
  const said = printable(answer.stderr || answer.stdout) || 'nothing'
  return `${asked} ended with exit code ${answer.exitCode} and said: ${said}${meaning === undefined ? '' : ` (${meaning})`}`
}

/** What tar, mount and the other programs say that handle files for us; they end with 1 or 2 for everything. */
const FILE_WORDS: ReadonlyMap<string, string> = new Map([
  ['No space left on device', 'ENOSPC'],
  // tar, when the last write fitted in part.
  ['Wrote only', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['Read-only file system', 'EROFS'],
  ['Permission denied', 'EACCES'],
  ['Operation not permitted', 'EPERM'],
  ['newuidmap failed', 'newuidmap'],
  ['newgidmap failed', 'newgidmap'],
])

/**
 * Of tar, when it unpacks. @throws RootlessError `IMAGE_INVALID` for what this user's maps cannot hold, `HOST_REFUSED`
 */
export function checkUnpacked(end: { readonly exitCode: number; readonly stderr: string }, asked: string): void {
  const owner =
    end.exitCode === 0 ? undefined : /^.*: Cannot change ownership to uid \d+, gid \d+: Invalid argument$/mu.exec(end.stderr)?.[0]
  if (owner === undefined) return checkEnd(end, asked)
  throw new RootlessError('IMAGE_INVALID', `an owner is outside the ids that lxc.idmap maps: ${printable(owner)}`, {
    engine: 'lxc',
  })
}

/** @throws RootlessError `HOST_REFUSED` unless the program ended with 0. `asked` follows "cannot". */
export function checkEnd({ exitCode, stderr }: { readonly exitCode: number; readonly stderr: string }, asked: string): void {
  if (exitCode === 0) return
  const word = [...FILE_WORDS].find(([words]) => stderr.includes(words))?.[1]
  const said = printable(
    stderr
      .trim()
      .split('\n')
      .find((line) => [...FILE_WORDS.keys()].some((words) => line.includes(words))) ?? stderr.trim(),
  )
  const fix = word?.startsWith('new') === true ? { fix: SETUP_FIX } : {}
  throw new RootlessError(
    'HOST_REFUSED',
    `cannot ${asked}: ${word === undefined ? '' : `${word}: `}${said || `exit code ${exitCode}`}`,
    {
      engine: 'lxc',
      evidence: word ?? said,
      ...fix,
    },
  )
}
