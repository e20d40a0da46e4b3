import { BLOCK_BYTES } from './tar-header.ts'

/** What is written of an entry. Names are bytes: one character for each. */
export interface TarOutput {
  readonly kind: 'file' | 'directory' | 'symlink' | 'hardlink' | 'fifo'
  readonly name: string
  readonly linkName?: string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly modifiedAt?: number
  readonly sizeBytes?: number
  readonly attributes?: ReadonlyMap<string, Uint8Array>
}

const FLAGS: Readonly<Record<TarOutput['kind'], string>> = { file: '0', hardlink: '1', symlink: '2', directory: '5', fifo: '6' }
const NAME_BYTES = 100
const LARGEST_ID = 0o7777777
const LARGEST_NUMBER = 0o77777777777

/** The header of an entry, with a pax header before it where the old fields are too small. */
export function encodeTarHeader(output: TarOutput): Buffer {
  const name = output.kind === 'directory' ? `${output.name}/` : output.name
  const records = toRecords(output, name)
  const header = encodeBlock(output, name, FLAGS[output.kind], output.sizeBytes ?? 0)
  if (records.length === 0) return header
  const body = Buffer.concat(records)
  const pax = encodeBlock({ kind: 'file', name: 'pax' }, 'pax', 'x', body.length)
  return Buffer.concat([pax, body, tarPadding(body.length), header])
}

/** Zeros up to the next block. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES)
}

/** What a tar ends with. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK_BYTES)
}

function toRecords(output: TarOutput, name: string): readonly Buffer[] {
  const records: Buffer[] = []
  const { linkName = '', uid = 0, gid = 0, modifiedAt = 0, sizeBytes = 0, attributes } = output
  if (name.length > NAME_BYTES) records.push(encodeRecord('path', Buffer.from(name, 'latin1')))
  if (linkName.length > NAME_BYTES) records.push(encodeRecord('linkpath', Buffer.from(linkName, 'latin1')))
  if (uid > LARGEST_ID) records.push(encodeRecord('uid', Buffer.from(String(uid))))
  if (gid > LARGEST_ID) records.push(encodeRecord('gid', Buffer.from(String(gid))))
  if (modifiedAt < 0 || modifiedAt > LARGEST_NUMBER) records.push(encodeRecord('mtime', Buffer.from(String(modifiedAt))))
  if (sizeBytes > LARGEST_NUMBER) records.push(encodeRecord('size', Buffer.from(String(sizeBytes))))
  for (const [key, value] of attributes ?? []) records.push(encodeRecord(`SCHILY.xattr.${key}`, value))
  return records
}

/** The length of a record counts its own digits. */
function encodeRecord(key: string, value: Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

function encodeBlock(output: TarOutput, name: string, flag: string, sizeBytes: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES)
  const { mode = output.kind === 'directory' ? 0o755 : 0o644, uid = 0, gid = 0, modifiedAt = 0, linkName = '' } = output
  block.write(name.slice(0, NAME_BYTES), 0, 'latin1')
  writeOctal(block, 100, 8, mode)
  writeOctal(block, 108, 8, uid > LARGEST_ID ? 0 : uid)
  writeOctal(block, 116, 8, gid > LARGEST_ID ? 0 : gid)
  writeOctal(block, 124, 12, sizeBytes > LARGEST_NUMBER ? 0 : sizeBytes)
  writeOctal(block, 136, 12, modifiedAt < 0 || modifiedAt > LARGEST_NUMBER ? 0 : modifiedAt)
  block.write(flag, 156, 'latin1')
  block.write(linkName.slice(0, NAME_BYTES), 157, 'latin1')
  block.write('ustar\u000000', 257, 'latin1')
  block.fill(0x20, 148, 156)
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function writeOctal(block: Buffer, start: number, length: number, value: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), start, 'latin1')
}
