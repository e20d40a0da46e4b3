import { readdir, rm } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { RootlessError, type Machine } from '@rootless-runtime/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ImageDoor } from '../src/index.ts'
import { dockerArchive, door, failureOf, makeFolder, tarOf } from './image-fixtures.ts'

/** Does not compile when a machine is no door any more. */
export const asDoor = (machine: Machine): ImageDoor => machine

let spool = ''
beforeEach(async () => {
  spool = await makeFolder()
})
afterEach(async () => rm(spool, { recursive: true, force: true }))

const ARCHIVE = gzipSync(dockerArchive([tarOf({ name: 'a', content: 'a'.repeat(20_000) })]))

test("an image that does not fit into the spool folder is the host's refusal, before it is full", async () => {
  const almostFull = { ...door, freeBytes: () => Promise.resolve({ status: 'ok' as const, value: 64 * 1024 ** 2 + 10_000 }) }
  expect(await failureOf(ARCHIVE, spool, { door: almostFull })).toMatchObject({
    code: 'HOST_REFUSED',
    message: `the image needs more than the 10000 bytes that ${spool} has free`,
  })
})

test('a disk that is full after all says so, and the folder is removed', async () => {
  const write = (): Promise<never> => Promise.reject(new RootlessError('HOST_REFUSED', 'cannot write: ENOSPC'))
  expect(await failureOf(ARCHIVE, spool, { door: { ...door, files: { ...door.files, write } } })).toMatchObject({
    code: 'HOST_REFUSED',
    message: 'cannot write: ENOSPC',
  })
})

test('what a bad archive is refused for is said, whatever the door makes of an error in what it writes', async () => {
  const write: ImageDoor['files']['write'] = async (path, content) => {
    await door.files.write(path, content).catch((error: unknown) => {
      throw new RootlessError('HOST_REFUSED', `cannot write ${path}`, { cause: error })
    })
  }
  const failure = await failureOf(gzipSync('no tar '.repeat(200)), spool, { door: { ...door, files: { ...door.files, write } } })
  expect(failure).toMatchObject({ code: 'IMAGE_INVALID' })
  expect(await readdir(spool)).toEqual([])
})
