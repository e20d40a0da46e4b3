import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toRootOwnedTar } from '../src/containers/root-owned-tar.ts'

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rootless-runtime-tar-'))
  mkdirSync(join(folder, 'in', 'deep'), { recursive: true })
  writeFileSync(join(folder, 'in', 'deep', 'file'), 'content')
  writeFileSync(join(folder, 'in', 'empty'), '')
  writeFileSync(join(folder, 'in', 'name-'.repeat(40)), 'x'.repeat(1000))
  symlinkSync('deep/file', join(folder, 'in', 'link'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const OWNER = ['--owner=someone:2097152', '--group=group:2097153']

function pack(...words: readonly string[]): Buffer {
  return execFileSync('tar', ['-C', folder, ...OWNER, ...words, '-cf', '-', 'in'])
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

async function rewrite(bytes: Uint8Array, size: number = bytes.length): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of toRootOwnedTar(inChunks(bytes, size))) parts.push(part)
  return Buffer.concat(parts)
}

/** What GNU tar reads of it. */
function list(tar: Buffer): string {
  const text = execFileSync('tar', ['--numeric-owner', '--full-time', '-tvf', '-'], { input: tar }).toString()
  return text.replaceAll(/ +/gu, ' ')
}

const FORMATS = ['--format=ustar', '--format=gnu', '--format=posix', '--format=v7'] as const

describe.each(FORMATS)('a tar of %s', (format) => {
  const words = format === '--format=v7' || format === '--format=ustar' ? ['--exclude=name-*', '--owner=7:7', '--group=7:7'] : []

  test('belongs to root, and else is as it was', async () => {
    const before = pack(format, ...words)
    const after = await rewrite(before)
    expect(list(before)).toMatch(/ (?:2097152\/2097153|7\/7) /u)
    expect(list(after)).toBe(list(before).replaceAll(/ (?:2097152\/2097153|7\/7) /gu, ' 0/0 '))
    const extracted = execFileSync('tar', ['-xOf', '-'], { input: after })
    expect(extracted.equals(execFileSync('tar', ['-xOf', '-'], { input: before }))).toBe(true)
  })

  test.each([1, 100, 511, 512, 513, 4096])('is the same in chunks of %i bytes', async (size) => {
    const before = pack(format, ...words)
    expect((await rewrite(before, size)).equals(await rewrite(before))).toBe(true)
  })
})

test('the size of a file may stand in its pax header alone', async () => {
  const before = pack('--format=posix', '--pax-option=size:=1000', '--exclude=deep', '--exclude=empty', '--exclude=link')
  expect(list(await rewrite(before))).toMatch(/ 1000 .*name-/u)
})

test.each([
  ['text', Buffer.from('x'.repeat(2048)), /no header/u],
  ['something that is cut in its header', Buffer.alloc(100, 1), /cut/u],
])('%s is no tar', async (_, bytes, reason) => {
  await expect(rewrite(bytes)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(reason) })
})

test('a tar that is cut anywhere in an entry is known to be', async () => {
  const whole = pack('--format=posix')
  for (const bytes of [513, 600, 1025, 2000]) {
    await expect(rewrite(whole.subarray(0, bytes))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  }
})

test('a sparse file of GNU tar is refused with what to do', async () => {
  truncateSync(join(folder, 'in', 'empty'), 10_000_000)
  await expect(rewrite(pack('--format=gnu', '--sparse'))).rejects.toThrow(/without --sparse/u)
  truncateSync(join(folder, 'in', 'empty'), 0)
})

test('nothing at all, and an end alone, pass', async () => {
  expect(await rewrite(Buffer.alloc(0), 1)).toHaveLength(0)
  expect(await rewrite(Buffer.alloc(10_240))).toHaveLength(10_240)
})
