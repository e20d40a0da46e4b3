import { PassThrough, Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { collectOutput } from '../../src/containers/collect-output.ts'
import type { ContainerProcess } from '../../src/index.ts'

function createProcess(said: readonly string[], ended: Promise<number> = Promise.resolve(0)): ContainerProcess {
  const stdout = Readable.from(said.map((text) => Buffer.from(text)))
  return { stdin: new PassThrough(), stdout, stderr: Readable.from([]), ended, resize: async () => {} }
}

async function* never(): AsyncIterable<Uint8Array> {
  yield Buffer.from('first')
  await new Promise(() => {})
}

async function* broken(): AsyncIterable<Uint8Array> {
  yield Buffer.from('first')
  throw new Error('the source broke')
}

test('input that never comes does not hold up the answer of a command that has ended', async () => {
  expect(await collectOutput(createProcess(['a', 'b']), { input: never() }, undefined)).toEqual({
    exitCode: 0,
    stdout: 'ab',
    stderr: '',
  })
})

test('input that breaks is told, and the streams are dropped', async () => {
  const process = createProcess(['a'], new Promise(() => {}))
  await expect(collectOutput(process, { input: broken() }, undefined)).rejects.toThrow('the source broke')
  expect(process.stdin.destroyed).toBe(true)
})

test('a character that comes in two pieces is one', async () => {
  const bytes = Buffer.from('é')
  const process = { ...createProcess([]), stdout: Readable.from([bytes.subarray(0, 1), bytes.subarray(1)]) }
  expect((await collectOutput(process, {}, undefined)).stdout).toBe('é')
})

test('more than is kept is an error, and nothing is cut in silence', async () => {
  await expect(collectOutput(createProcess(['1234', '5678']), { maximumOutputBytes: 7 }, undefined)).rejects.toMatchObject({
    code: 'OUTPUT_TOO_LARGE',
  })
})

test('a signal drops the streams', async () => {
  const stop = new AbortController()
  const process = createProcess([], new Promise(() => {}))
  const collecting = collectOutput(process, {}, stop.signal)
  stop.abort()
  await expect(collecting).rejects.toMatchObject({ code: 'ABORTED' })
  expect(process.stdout.destroyed).toBe(true)
})
