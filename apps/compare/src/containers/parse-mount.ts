import { resolve } from 'node:path'
import type { HostMount, MountOptions, TemporaryMount, VolumeMount } from 'rootless-runtime'
import { invalidOption } from './invalid-option.ts'
import { parseSize } from './parse-size.ts'

type Access = 'ro' | 'rw'

interface MountWords {
  readonly access: Access
  readonly owner: 'me' | undefined
}

/** Where relative paths begin. */
export interface MountPlace {
  readonly folder: string
}

/** `-v /host:/inside[:ro|rw|me]`, `-v ./here:/inside`, `-v volume:/inside`. Writable unless told, as with Docker. */
export function parseVolume(text: string, { folder }: MountPlace): HostMount | VolumeMount {
  const [source, target, words = '', ...more] = text.split(':')
  if (target === undefined)
    throw invalidOption('-v', text, 'SOURCE:TARGET[:ro|rw|me]; a volume without a name is not supported, --tmpfs is memory')
  if (source === undefined || source === '' || target === '' || more.length > 0)
    throw invalidOption('-v', text, 'SOURCE:TARGET[:ro|rw|me], in which a path holds no colon; --mount takes any path')
  const { access, owner } = parseWords(text, words)
  // As Docker tells them apart: what begins as a path is one, anything else is the name of a volume.
  if (!/^(?:\/|\.\.?(?:\/|$))/u.test(source)) return toVolume('-v', text, { volume: source, target, access, owner })
  return { source: resolve(folder, source), target, access, ...(owner && { owner }) }
}

function parseWords(text: string, words: string): MountWords {
  const listed = words === '' ? [] : words.split(',')
  const strange = listed.find((word) => !['ro', 'rw', 'me'].includes(word))
  if (strange !== undefined) throw invalidOption('-v', text, `"${strange}" is not one of ro, rw, me`)
  return { access: listed.includes('ro') ? 'ro' : 'rw', owner: listed.includes('me') ? 'me' : undefined }
}

function toVolume(
  option: string,
  text: string,
  { volume, target, access, owner }: MountWords & { readonly volume: string; readonly target: string },
): VolumeMount {
  if (owner !== undefined) throw invalidOption(option, text, 'only a path of the host can belong to me; a volume is inside')
  return { kind: 'volume', volume, target, access }
}

/** `--tmpfs /inside` or `--tmpfs /inside:size=64m`. */
export function parseTmpfs(text: string): TemporaryMount {
  const colon = text.indexOf(':')
  if (colon === -1) return { kind: 'tmpfs', target: text }
  const size = /^size=(.+)$/su.exec(text.slice(colon + 1))?.[1]
  if (size === undefined) throw invalidOption('--tmpfs', text, 'TARGET[:size=64m]')
  return { kind: 'tmpfs', target: text.slice(0, colon), sizeBytes: parseSize('--tmpfs', size) }
}

const KEYS: ReadonlyMap<string, string> = new Map([
  ['type', 'type'],
  ['source', 'source'],
  ['src', 'source'],
  ['target', 'target'],
  ['dst', 'target'],
  ['destination', 'target'],
  ['readonly', 'readonly'],
  ['ro', 'readonly'],
  ['owner', 'owner'],
  ['tmpfs-size', 'tmpfs-size'],
])

/** `--mount type=bind|volume|tmpfs,source=…,target=…[,readonly][,owner=me][,tmpfs-size=64m]`; a field may be in double quotes. */
export function parseMount(text: string, { folder }: MountPlace): MountOptions {
  const fields = new Map<string, string>()
  for (const field of splitFields(text)) {
    const equals = field.indexOf('=')
    const name = KEYS.get(equals === -1 ? field : field.slice(0, equals))
    if (name === undefined) throw invalidOption('--mount', text, `known: ${[...KEYS.keys()].join(', ')}`)
    if (fields.has(name)) throw invalidOption('--mount', text, `${name} is there twice`)
    fields.set(name, equals === -1 ? '' : field.slice(equals + 1))
  }
  return toMount(text, fields, folder)
}

function toMount(text: string, fields: ReadonlyMap<string, string>, folder: string): MountOptions {
  const target = fields.get('target') ?? ''
  if (target === '') throw invalidOption('--mount', text, 'target=… is missing')
  const source = fields.get('source') ?? ''
  const access = parseReadOnly(text, fields.get('readonly'))
  const owner = parseOwner(text, fields.get('owner'))
  switch (fields.get('type') ?? 'volume') {
    case 'bind':
      if (source === '') throw invalidOption('--mount', text, 'source=… is missing')
      return { source: resolve(folder, source), target, access, ...(owner && { owner }) }
    case 'volume':
      if (source === '') throw invalidOption('--mount', text, 'source=… is missing; a volume without a name is not supported')
      return toVolume('--mount', text, { volume: source, target, access, owner })
    case 'tmpfs': {
      const size = fields.get('tmpfs-size')
      return { kind: 'tmpfs', target, ...(size !== undefined && { sizeBytes: parseSize('--mount tmpfs-size', size) }) }
    }
    default:
      throw invalidOption('--mount', text, 'type is bind, volume or tmpfs')
  }
}

function parseReadOnly(text: string, word: string | undefined): Access {
  if (word === undefined || word === 'false' || word === '0') return 'rw'
  if (word === '' || word === 'true' || word === '1') return 'ro'
  throw invalidOption('--mount', text, 'readonly is true or false')
}

function parseOwner(text: string, word: string | undefined): 'me' | undefined {
  if (word === undefined || word === 'me') return word
  throw invalidOption('--mount', text, 'owner can only be me')
}

/** The fields of a line of CSV, as Docker reads it (RFC 4180). */
function splitFields(text: string): readonly string[] {
  const fields = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"(?=,|$)|([^",]*)(?=,|$))/gsu)]
  const length = fields.reduce((total, [whole]) => total + whole.length, 0)
  if (length !== text.length) throw invalidOption('--mount', text, 'a quote that does not end a field')
  return fields.map(([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain)
}
