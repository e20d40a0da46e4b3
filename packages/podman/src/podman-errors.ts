import { printable, setupFix, type CommandAnswer, type Fix } from '@rootless-runtime/core'

export const SETUP_FIX = setupFix('install rootless Podman and make it ready', 'podman')

/** As root, Podman runs as root: its answers say nothing about an ordinary user. */
export const ROOTFUL = 'asked as root, Podman runs as root; ask as an ordinary user'

interface Meaning {
  readonly reason: string
  readonly fix?: Fix
}

/** Podman's words on stderr when it cannot run without root at all (seen on 4.3.1), with what they mean. */
const WORDS: ReadonlyMap<string, Meaning> = new Map([
  [
    'exec: "newuidmap": executable file not found',
    { reason: 'newuidmap is not installed', fix: setupFix('install uidmap', 'podman') },
  ],
  [
    'should have setuid or have filecaps setuid',
    { reason: 'newuidmap has no right to map ids', fix: setupFix('install uidmap anew', 'podman') },
  ],
  ['cannot chdir to', { reason: 'the working directory cannot be entered by this user' }],
  ['database configuration mismatch', { reason: 'its store was made with another storage driver' }],
  ['cannot clone: Operation not permitted', { reason: 'user namespaces are forbidden to this user' }],
  ['cannot re-exec process', { reason: 'user namespaces do not work for this user' }],
])

export type PodmanFailure =
  /** Podman is here and cannot run without root. */
  | { readonly kind: 'unusable'; readonly reason: string; readonly fix?: Fix }
  /** Nobody knows: it hung, was cut off, or said something strange. */
  | { readonly kind: 'unknown'; readonly reason: string }

/** Why `podman info` did not answer. */
export function toPodmanFailure(answer: CommandAnswer): PodmanFailure {
  if (answer.status !== 'exited') return { kind: 'unknown', reason: `podman info: ${printable(answer.reason)}` }
  const said = printable(lastLine(answer.stderr)) || 'nothing'
  const meaning = [...WORDS].find(([words]) => answer.stderr.includes(words))?.[1]
  const text = `podman info ended with exit code ${answer.exitCode} and said: ${said}`
  if (meaning === undefined) return { kind: 'unknown', reason: text }
  return { kind: 'unusable', reason: `${meaning.reason}; ${text}`, ...(meaning.fix && { fix: meaning.fix }) }
}

// Warnings come first; the last line is the error.
function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? ''
}
