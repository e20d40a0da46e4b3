import { RootlessError } from '../errors.ts'
import { printable } from '../printable.ts'

/** An argument of the caller that cannot be: what it is, and what it should be. */
export function invalid(what: string, given: unknown, wanted: string): RootlessError {
  const shown = typeof given === 'string' ? JSON.stringify(printable(given, 80)) : printable(String(given), 80)
  return new RootlessError('INVALID_ARGUMENT', `${what} cannot be ${shown}: ${wanted}`)
}

/** A text without a zero byte, which no engine and no kernel takes. */
export function checkText(what: string, text: string, maximumCharacters = 131_072): string {
  if (typeof text !== 'string') throw invalid(what, text, 'it is a text')
  if (text.includes('\0')) throw invalid(what, text, 'it holds a zero byte')
  // MAX_ARG_STRLEN of Linux is 128 KiB for one word of execve(2).
  if (text.length > maximumCharacters) throw invalid(what, text, `it has more than ${maximumCharacters} characters`)
  return text
}

/** Words of a command, of which the first is not empty. */
export function checkCommand(what: string, command: readonly string[]): readonly string[] {
  if (!Array.isArray(command)) throw invalid(what, command, 'it is a list of words')
  if (command.length > 0 && command[0] === '') throw invalid(what, '', 'its first word is empty')
  return command.map((word) => checkText(what, word))
}

/** A name as Docker, Podman and a folder of LXC take it alike. */
export function checkName(what: string, name: string): string {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$/u.test(name)) {
    throw invalid(what, name, 'a name has 2 to 128 letters, digits, "_", "." and "-", and begins with a letter or a digit')
  }
  return name
}

/** An absolute path in its shortest form. `/` only when `root` says so. */
export function checkPath(what: string, path: string, { root }: { readonly root: boolean }): string {
  checkText(what, path, 4096)
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (!path.startsWith('/')) throw invalid(what, path, 'it is an absolute path')
  if (parts.includes('..')) throw invalid(what, path, 'it goes through ".."')
  if (/[\n\r]/u.test(path)) throw invalid(what, path, 'it holds a line break')
  if (parts.length === 0 && !root) throw invalid(what, path, 'it is the root of everything')
  return `/${parts.join('/')}`
}

/** Variables of the environment. */
export function checkEnvironment(what: string, variables: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(variables)) {
    if (name === '' || name.includes('=')) throw invalid(what, name, 'the name of a variable is not empty and holds no "="')
    checkText(what, name)
    checkText(`${what} ${printable(name, 40)}`, value)
  }
  return variables
}

/** `name`, `uid` or `uid:gid`. */
export function checkUser(user: string): string {
  if (!/^[a-zA-Z0-9_][a-zA-Z0-9_.$-]{0,63}(?::[a-zA-Z0-9_][a-zA-Z0-9_.$-]{0,63})?$/u.test(user)) {
    throw invalid('user', user, 'it is a name, a number, or two of them joined by ":"')
  }
  return user
}

/** A whole number in a range. */
export function checkWhole(what: string, value: number, [least, most]: readonly [number, number], unit = ''): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw invalid(what, value, `it is a whole number from ${least} to ${most}${unit === '' ? '' : ` ${unit}`}`)
  }
  return value
}

const IMAGE_ID = /^(?:sha256:)?[0-9a-f]{4,64}$/u
// The grammar of github.com/distribution/reference, which Docker and Podman keep.
const IMAGE_REFERENCE =
  /^(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_{1,2}|-+|\/)[a-z0-9]+)*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/u

/** Whether a word can be a reference or an id of an image. */
export function isImageName(image: string): boolean {
  return image.length <= 512 && (IMAGE_ID.test(image) || IMAGE_REFERENCE.test(image))
}

/** Capabilities of Linux 6.12, capabilities(7), and `ALL`. */
const CAPABILITIES: ReadonlySet<string> = new Set(
  (
    'ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID ' +
    'IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON ' +
    'SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE ' +
    'SYS_TIME SYS_TTY_CONFIG WAKE_ALARM'
  ).split(' '),
)

/** The name of a capability in capitals, without its prefix. */
export function checkCapability(capability: string): string {
  const name = capability.toUpperCase().replace(/^CAP_/u, '')
  if (!CAPABILITIES.has(name)) throw invalid('dropCapabilities', capability, 'it is a name of capabilities(7), or ALL')
  return name
}

/** Names that mean something else than a network that was made. */
const RESERVED_NETWORKS: ReadonlySet<string> = new Set(['default', 'none', 'host'])

/** The name of a network to make. */
export function checkNetworkName(name: string): string {
  if (RESERVED_NETWORKS.has(name)) throw invalid('network', name, 'this word is a network that is always there')
  return checkName('network', name)
}
