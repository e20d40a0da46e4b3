import { execFile } from 'node:child_process'
import { access, constants, readFile, readdir, realpath, stat, statfs } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Answer, Command, CommandAnswer, FileKind, System } from '@rootless-runtime/core'
import { z } from 'zod'

const withCode = z.object({ code: z.union([z.string(), z.number()]).nullish(), killed: z.boolean().nullish() })

/** A small System of the real machine, so that the live tests of setup stand on their own. */
export function createRealSystem(user: System['user']): System {
  return {
    environment: process.env,
    user,
    readText: (path) => answer(async () => await readFile(path, 'utf8')),
    listDirectory: (path) => answer(async () => await readdir(path)),
    status: (path) => answer(async () => await readStatus(path)),
    realPath: (path) => answer(async () => await realpath(path)),
    freeBytes: (path) => answer(async () => await statfs(path).then(({ bavail, bsize }) => bavail * bsize)),
    findExecutable: async (name) => ({ status: 'absent', reason: `${name} is not looked for here` }),
    run: runCommand,
    connect: (socketPath) => answer(async () => await open(socketPath)),
  }
}

async function answer<Value>(work: () => Promise<Value>): Promise<Answer<Value>> {
  try {
    return { status: 'ok', value: await work() }
  } catch (error) {
    const code = withCode.safeParse(error).data?.code
    if (code === 'ENOENT' || code === 'ENOTDIR') return { status: 'absent', reason: String(error) }
    return { status: code === 'EACCES' ? 'denied' : 'failed', reason: String(error) }
  }
}

async function readStatus(path: string) {
  const status = await stat(path)
  const can = (mode: number) =>
    access(path, mode).then(
      () => true,
      () => false,
    )
  const kinds: readonly (readonly [boolean, FileKind])[] = [
    [status.isFile(), 'file'],
    [status.isDirectory(), 'directory'],
    [status.isSocket(), 'socket'],
    [status.isFIFO(), 'fifo'],
    [status.isCharacterDevice(), 'character-device'],
  ]
  return {
    kind: kinds.find(([is]) => is)?.[1] ?? 'other',
    mode: status.mode & 0o7777,
    uid: status.uid,
    gid: status.gid,
    readable: await can(constants.R_OK),
    writable: await can(constants.W_OK),
  } as const
}

function runCommand(command: Command): Promise<CommandAnswer> {
  const options = { timeout: command.timeoutMs, maxBuffer: command.maximumOutputBytes ?? 1_048_576 }
  return new Promise((resolve) => {
    const child = execFile(command.file, command.arguments, options, (error, stdout, stderr) => {
      const { code, killed } = withCode.safeParse(error).data ?? {}
      if (error === null) resolve({ status: 'exited', exitCode: 0, stdout, stderr })
      else if (code === 'ENOENT') resolve({ status: 'absent', reason: error.message })
      else if (typeof code === 'number' && killed !== true) resolve({ status: 'exited', exitCode: code, stdout, stderr })
      else resolve({ status: 'failed', reason: error.message, stdout, stderr })
    })
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(command.input ?? '')
  })
}

function open(socketPath: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath)
    socket.once('connect', () => resolve(socket)).once('error', reject)
  })
}
