import { countBytes } from './engine-floor.ts'
import { withContainer, type Found, type Ground } from './load-ground.ts'

const GIBIBYTE = 1024 ** 3
const PIECE = Buffer.alloc(1024 * 1024, 'rootless ')

async function* pieces(bytes: number): AsyncIterable<Uint8Array> {
  for (let sent = 0; sent < bytes; sent += PIECE.length) yield PIECE
}

export async function streamIn(ground: Ground): Promise<Found> {
  return await withContainer(ground, async (container) => {
    const { stdout } = await container.exec(['wc', '-c'], { input: pieces(GIBIBYTE) })
    return {
      problems: Number(stdout) === GIBIBYTE ? [] : [`the command counted ${stdout.trim()} bytes`],
      detail: `${GIBIBYTE} bytes counted inside`,
    }
  })
}

export async function streamOut(ground: Ground): Promise<Found> {
  return await withContainer(ground, async (container) => {
    const { stdin, stdout, stderr, ended } = await container.open(['head', '-c', String(GIBIBYTE), '/dev/zero'])
    stdin.end()
    stderr.resume()
    const bytes = await countBytes(stdout)
    return { problems: bytes === GIBIBYTE && (await ended) === 0 ? [] : [`${bytes} bytes came`], detail: `${bytes} bytes came` }
  })
}

/** A tar of one file, by hand: its header is 512 bytes, ustar of POSIX. */
async function* tarOf(name: string, bytes: number): AsyncIterable<Uint8Array> {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${bytes.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        ', 148)
  header.write('0', 156)
  header.write('ustar\u000000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  yield header
  yield* pieces(bytes)
  yield Buffer.alloc(1024)
}

export async function copyIn(ground: Ground): Promise<Found> {
  return await withContainer(ground, async (container) => {
    await container.copyIn(tarOf('big', GIBIBYTE), '/tmp')
    const { stdout } = await container.exec(['wc', '-c', '/tmp/big'])
    return { problems: stdout.startsWith(`${GIBIBYTE} `) ? [] : [`inside it has ${stdout.trim()}`], detail: stdout.trim() }
  })
}

export async function copyOut(ground: Ground): Promise<Found> {
  return await withContainer(ground, async (container) => {
    await container.exec(['dd', 'if=/dev/zero', 'of=/tmp/big', 'bs=1M', 'count=1024'])
    const bytes = await countBytes(await container.copyOut('/tmp/big'))
    return {
      problems: bytes > GIBIBYTE && bytes < GIBIBYTE + 65_536 ? [] : [`a tar of ${bytes} bytes came`],
      detail: `a tar of ${bytes} bytes`,
    }
  })
}
