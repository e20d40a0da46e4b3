import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLocalSystem } from '../src/index.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'machine-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const machine = createLocalSystem()

async function readAll(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) if (chunk instanceof Uint8Array) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

async function spawnOk(file: string, words: readonly string[]): ReturnType<typeof toProcess> {
  return await toProcess(machine.spawn({ file, arguments: words, lifetime: 'caller' }))
}

async function toProcess(answer: ReturnType<typeof machine.spawn>) {
  const found = await answer
  if (found.status !== 'ok') throw new Error(found.reason)
  return found.value
}

describe('a program that runs', () => {
  test('gets its input and gives its output, apart from its errors', async () => {
    const process = await spawnOk('sh', ['-c', 'cat; echo bad >&2; exit 7'])
    process.stdin.end('hello')
    const [stdout, stderr, end] = await Promise.all([readAll(process.stdout), readAll(process.stderr), process.ended])
    expect({ stdout, stderr, end }).toEqual({ stdout: 'hello', stderr: 'bad\n', end: { exitCode: 7 } })
  })

  test('is held up by a reader that waits', async () => {
    const process = await spawnOk('sh', ['-c', 'head -c 33554432 /dev/zero; echo done >&2'])
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(process.stderr.readableLength).toBe(0)
    let bytes = 0
    for await (const chunk of process.stdout) bytes += (chunk as Uint8Array).length
    expect(bytes).toBe(33_554_432)
    expect(await readAll(process.stderr)).toBe('done\n')
  })

  test('ends with its children by one signal', async () => {
    const process = await spawnOk('sh', ['-c', 'sleep 60 & echo $!; wait'])
    const child = await new Promise<string>((resolve) =>
      process.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())),
    )
    process.kill('SIGKILL')
    expect(await process.ended).toEqual({ signal: 'SIGKILL' })
    await expect
      .poll(
        async () =>
          (await machine.readText(`/proc/${child}/stat`)).status === 'ok' &&
          /\) [^Z]/u.test(await readFile(`/proc/${child}/stat`, 'utf8')),
      )
      .toBe(false)
  })

  test('ends when the signal of its system fires', async () => {
    const stop = new AbortController()
    const answer = await createLocalSystem({ signal: stop.signal }).spawn({
      file: 'sleep',
      arguments: ['60'],
      lifetime: 'caller',
    })
    stop.abort()
    expect(answer.status === 'ok' ? await answer.value.ended : answer).toEqual({ signal: 'SIGKILL' })
  })

  test('that is not there is absent', async () => {
    expect(await machine.spawn({ file: join(folder, 'nothing'), arguments: [], lifetime: 'caller' })).toMatchObject({
      status: 'absent',
    })
  })

  test('with a zero in a word is not started', async () => {
    expect(await machine.spawn({ file: 'echo', arguments: ['a\0b'], lifetime: 'caller' })).toMatchObject({ status: 'failed' })
  })

  test('that is detached writes its output to a file', async () => {
    const outputFile = join(folder, 'log')
    const process = await toProcess(
      machine.spawn({ file: 'sh', arguments: ['-c', 'echo a; echo b >&2'], lifetime: 'detached', outputFile }),
    )
    await process.ended
    expect(await readFile(outputFile, 'utf8')).toBe('a\nb\n')
  })
})

describe('files', () => {
  test('are written whole or not at all', async () => {
    const path = join(folder, 'file')
    await machine.files.write(path, 'old')
    async function* breaks(): AsyncIterable<Uint8Array> {
      yield new Uint8Array([1])
      throw new Error('the source broke')
    }
    await expect(machine.files.write(path, breaks())).rejects.toMatchObject({ code: 'HOST_REFUSED' })
    expect([await readFile(path, 'utf8'), await readdir(folder)]).toEqual(['old', ['file']])
  })

  test('belong to this user alone unless told', async () => {
    await machine.files.write(join(folder, 'file'), 'x')
    await machine.files.makeDirectory(join(folder, 'a/b'))
    const modes = await Promise.all(
      ['file', 'a', 'a/b'].map(async (name) => ((await stat(join(folder, name))).mode & 0o777).toString(8)),
    )
    expect(modes).toEqual(['600', '700', '700'])
  })

  test('have the mode that was asked for, whatever umask the caller has', async () => {
    const umask = process.umask(0o077)
    try {
      await machine.files.makeDirectory(join(folder, 'open'), { mode: 0o755 })
      await machine.files.write(join(folder, 'open/file'), 'x', { mode: 0o444 })
    } finally {
      process.umask(umask)
    }
    expect(((await stat(join(folder, 'open'))).mode & 0o777).toString(8)).toBe('755')
    expect(((await stat(join(folder, 'open/file'))).mode & 0o777).toString(8)).toBe('444')
  })

  test('that must be new are not overwritten', async () => {
    const path = join(folder, 'lock')
    expect([
      await machine.files.writeNew(path, 'a'),
      await machine.files.writeNew(path, 'b'),
      await readFile(path, 'utf8'),
    ]).toEqual([true, false, 'a'])
  })

  test('are read from a byte on', async () => {
    await writeFile(join(folder, 'file'), '0123456789')
    expect(await readAll(await machine.files.openRead(join(folder, 'file'), { startByte: 7 }))).toBe('789')
  })

  test('that are not there are removed without a word, with everything below', async () => {
    await machine.files.makeDirectory(join(folder, 'a/b/c'))
    await machine.files.remove(join(folder, 'a'))
    await machine.files.remove(join(folder, 'a'))
    expect(await readdir(folder)).toEqual([])
  })

  test('that the system refuses say why', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(machine.files.write(join(folder, 'file/below'), 'x')).rejects.toMatchObject({
      code: 'HOST_REFUSED',
      evidence: 'ENOTDIR',
    })
  })

  test('that change are seen', async () => {
    const path = join(folder, 'file')
    await writeFile(path, '')
    const stop = new AbortController()
    const seen = (async () => {
      let changes = 0
      for await (const _ of machine.files.watch(path, stop.signal)) {
        changes += 1
        stop.abort()
      }
      return changes
    })()
    await machine.files.append(path, 'x')
    expect(await seen).toBe(1)
  })
})

describe('ports', () => {
  test('that are free are chosen by the kernel and left free', async () => {
    const answer = await machine.findFreePort('tcp', '127.0.0.1')
    const port = answer.status === 'ok' ? answer.value : 0
    expect(port).toBeGreaterThan(1023)
    expect(await machine.connectTcp('127.0.0.1', port, { timeoutMs: 1000 })).toMatchObject({ status: 'absent' })
    expect((await machine.findFreePort('udp', '::1')).status).toMatch(/^(?:ok|failed)$/u)
  })

  test('that somebody listens on are connected to', async () => {
    const server = createServer((socket) => socket.end('hello'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const answer = await machine.connectTcp('127.0.0.1', typeof address === 'object' && address !== null ? address.port : 0, {
      timeoutMs: 1000,
    })
    expect(answer.status === 'ok' ? await readAll(answer.value) : answer).toBe('hello')
    server.close()
  })

  test('of a name are refused: names are not looked up', async () => {
    expect(await machine.connectTcp('localhost', 80, { timeoutMs: 1000 })).toMatchObject({ status: 'failed' })
  })
})
