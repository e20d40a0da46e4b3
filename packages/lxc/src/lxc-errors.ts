import { printable, setupFix, type CommandAnswer } from '@rootless-runtime/core'

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
