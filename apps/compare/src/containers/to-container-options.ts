import { readFile } from 'node:fs/promises'
import { cwd } from 'node:process'
import { RootlessError, type ContainerOptions, type MountOptions } from 'rootless-runtime'
import type { Io } from '../io.ts'
import { invalidOption } from './invalid-option.ts'
import { listFileVariables, parseLabels, parseVariables } from './parse-environment.ts'
import { parseLimits, type LimitWords } from './parse-limits.ts'
import { parseMount, parseTmpfs, parseVolume } from './parse-mount.ts'
import { parsePort } from './parse-port.ts'

const LONGEST_FILE_BYTES = 16 * 1024 ** 2

/** The options of `rootless run` that say what a container is made of, as they were typed. */
export interface ContainerWords extends LimitWords {
  readonly interactive?: boolean
  readonly tty?: boolean
  readonly detach?: boolean
  readonly rm?: boolean
  readonly name?: string
  readonly env?: readonly string[]
  readonly envFile?: readonly string[]
  readonly workdir?: string
  readonly user?: string
  readonly hostname?: string
  readonly label?: readonly string[]
  readonly publish?: readonly string[]
  readonly network?: string
  readonly volume?: readonly string[]
  readonly mount?: readonly string[]
  readonly tmpfs?: readonly string[]
  readonly volumeOwner?: 'me'
  readonly readOnly?: boolean
  readonly capDrop?: readonly string[]
  readonly secret?: readonly string[]
  readonly entrypoint?: string
  readonly stopSignal?: string
}

/**
 * What a container is made of, from what was typed. Files are read here; everything else is checked where containers are made.
 *
 * @throws RootlessError `INVALID_ARGUMENT` that names the option and what it takes.
 */
export async function toContainerOptions(
  image: string,
  command: readonly string[],
  words: ContainerWords,
  io: Pick<Io, 'environment'>,
): Promise<ContainerOptions> {
  const limits = parseLimits(words)
  const mounts = parseMounts(words)
  const ports = (words.publish ?? []).map(parsePort)
  const variables = await readVariables(words, io.environment)
  const secrets = await readSecrets(words.secret ?? [])
  const capabilities = (words.capDrop ?? []).map((name) => name.toUpperCase().replace(/^CAP_/u, ''))
  return {
    image,
    ...(command.length > 0 && { command }),
    ...(words.entrypoint !== undefined && { entrypoint: words.entrypoint === '' ? [] : [words.entrypoint] }),
    ...pickTexts(words),
    ...(Object.keys(variables).length > 0 && { environment: variables }),
    ...(words.label !== undefined && { labels: parseLabels(words.label) }),
    ...(limits && { limits }),
    ...(ports.length > 0 && { ports }),
    ...(mounts.length > 0 && { mounts }),
    ...(words.readOnly === true && { readOnlyRoot: true }),
    ...(capabilities.length > 0 && { dropCapabilities: capabilities }),
    ...(Object.keys(secrets).length > 0 && { secrets }),
    ...(words.tty === true && { terminal: true }),
    ...(words.interactive === true && { stdin: true }),
    // Only one that goes with this command may be swept when this command has died.
    owner: words.rm === true && words.detach !== true ? 'process' : 'nobody',
  }
}

function pickTexts(words: ContainerWords): Partial<ContainerOptions> {
  const { name, workdir, user, hostname, network, stopSignal } = words
  return {
    ...(name !== undefined && { name }),
    ...(workdir !== undefined && { workdir }),
    ...(user !== undefined && { user }),
    ...(hostname !== undefined && { hostname }),
    ...(network !== undefined && { network }),
    ...(stopSignal !== undefined && { stopSignal }),
  }
}

function parseMounts(words: ContainerWords): readonly MountOptions[] {
  const place = { folder: cwd() }
  const own = words.volumeOwner === 'me'
  const mounts: readonly MountOptions[] = [
    ...(words.volume ?? []).map((text) => parseVolume(text, place)),
    ...(words.mount ?? []).map((text) => parseMount(text, place)),
    ...(words.tmpfs ?? []).map(parseTmpfs),
  ]
  return own ? mounts.map(toOwn) : mounts
}

function toOwn(mount: MountOptions): MountOptions {
  return 'source' in mount ? { ...mount, owner: 'me' } : mount
}

async function readVariables(words: ContainerWords, environment: Io['environment']): Promise<Record<string, string>> {
  const files = await Promise.all((words.envFile ?? []).map((path) => readWhole('--env-file', path)))
  return {
    ...parseVariables(
      '--env-file',
      files.flatMap((content) => listFileVariables(content.toString())),
      environment,
    ),
    ...parseVariables('-e', words.env ?? [], environment),
  }
}

/** `--secret name=path`: the file becomes `/run/secrets/name`. */
async function readSecrets(texts: readonly string[]): Promise<Record<string, Uint8Array>> {
  const read = await Promise.all(
    texts.map(async (text): Promise<readonly [string, Uint8Array]> => {
      const equals = text.indexOf('=')
      if (equals < 1) throw invalidOption('--secret', text, 'NAME=FILE')
      return [text.slice(0, equals), await readWhole('--secret', text.slice(equals + 1))]
    }),
  )
  return Object.fromEntries(read)
}

async function readWhole(option: string, path: string): Promise<Buffer> {
  try {
    const content = await readFile(path)
    if (content.length <= LONGEST_FILE_BYTES) return content
  } catch (cause) {
    const said = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new RootlessError('INVALID_ARGUMENT', `${option} ${JSON.stringify(path)} cannot be read: ${said}`, { cause })
  }
  throw invalidOption(option, path, `it has more than ${LONGEST_FILE_BYTES / 1024 ** 2} MiB`)
}
