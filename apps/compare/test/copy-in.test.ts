import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pack } from '../src/containers/pack.ts'

const target = mkdtempSync(join(tmpdir(), 'rootless-pack-'))
const { signal } = new AbortController()

beforeAll(() => {
  mkdirSync(join(target, 'd'))
  writeFileSync(join(target, 'd/.dot'), 'x')
  symlinkSync('.dot', join(target, 'd/link'))
  writeFileSync(join(target, 'f,&'), 'file')
})
afterAll(() => rmSync(target, { recursive: true, force: true }))

test.each(['plain', 'with blank', 'a&b', String.raw`a\b`, 'a,b', '-rf', '.hidden', 'ünïcode', "quote'd", 'x'.repeat(200)])(
  'what is sent in is called %j inside',
  async (name) => {
    expect(await listPacked(join(target, 'f,&'), name)).toEqual([name])
    expect(await listPacked(join(target, 'd'), name)).toEqual([`${name}/`, `${name}/.dot`, `${name}/link -> .dot`])
  },
)

async function listPacked(path: string, name: string): Promise<readonly string[]> {
  const { tar, whole } = await pack({ path, name, signal })
  const bytes = await buffer(tar)
  await whole
  const listed = spawnSync('tar', ['-tv', '--quoting-style=literal', '--show-transformed-names'], {
    input: bytes,
    encoding: 'utf8',
  })
  const lines = listed.stdout.trimEnd().split('\n')
  expect(lines.every((line) => line.includes(' 0/0 ') || line.includes(' root/root '))).toBe(true)
  return lines.map((line) => line.replace(/^(?:\S+\s+){5}/u, '')).toSorted()
}

test('what cannot be read whole is told', async () => {
  const stop = new AbortController()
  const { tar, whole } = await pack({ path: '/usr/share', name: 'x', signal: stop.signal })
  tar.once('data', () => stop.abort()).resume()
  await expect(whole).rejects.toMatchObject({ code: 'HOST_REFUSED' })
  await expect(pack({ path: join(target, 'nowhere'), name: 'x', signal })).rejects.toMatchObject({ code: 'PATH_NOT_FOUND' })
})
