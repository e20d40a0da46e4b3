import { accessSync, constants } from 'node:fs'
import { userInfo } from 'node:os'
import { isAbsolute } from 'node:path'
import type { Answer, Machine, SystemUser } from '@rootless-runtime/core'
import { answerWithin } from './answer-within.ts'
import { connectSocket, connectTcp } from './connect-socket.ts'
import { createFiles } from './change-files.ts'
import { findExecutable } from './find-executable.ts'
import { findFreePort } from './find-free-port.ts'
import {
  DEFAULT_MAXIMUM_BYTES,
  isKernelFile,
  readDirectoryNames,
  readFreeBytes,
  readKernelFile,
  readRealPath,
  readRegularFile,
  readStatus,
} from './read-file.ts'
import { runCommand } from './run-command.ts'
import { spawnProcess } from './spawn-process.ts'

/** How long a file system may take for one answer. */
const FILE_TIMEOUT_MS = 2000

export interface LocalSystemOptions {
  /** Ends every command, connection and wait that this system began. */
  readonly signal?: AbortSignal
}

/** The door to this machine, for the ids and the environment of this process. */
export function createLocalSystem({ signal }: LocalSystemOptions = {}): Machine {
  const limits = { timeoutMs: FILE_TIMEOUT_MS, signal }
  const look = <Value>(path: string, work: (stop: AbortSignal) => Promise<Answer<Value>>): Promise<Answer<Value>> =>
    answerWithin(path, limits, work)
  const workingDirectory = findWorkingDirectory()
  return {
    environment: process.env,
    user: readUser(),
    readText: async (path, { maximumBytes = DEFAULT_MAXIMUM_BYTES } = {}) =>
      isKernelFile(path)
        ? readKernelFile(path, maximumBytes)
        : await look(path, (stop) => readRegularFile(path, maximumBytes, stop)),
    listDirectory: (path) => look(path, (stop) => readDirectoryNames(path, stop)),
    status: (path) => look(path, () => readStatus(path)),
    realPath: (path) => look(path, () => readRealPath(path)),
    freeBytes: (path) => look(path, () => readFreeBytes(path)),
    findExecutable: (name) => look(name, () => findExecutable(name, process.env['PATH'])),
    run: (command) => runCommand(command, { environment: process.env, workingDirectory, signal }),
    connect: (path, { timeoutMs }) => connectSocket(path, { timeoutMs, signal }),
    connectTcp: (address, port, { timeoutMs }) => connectTcp({ address, port }, { timeoutMs, signal }),
    findFreePort,
    spawn: (command) => spawnProcess(command, { environment: process.env, workingDirectory, signal }),
    files: createFiles(),
  }
}

function readUser(): SystemUser {
  const home = process.env['HOME']
  const override = home !== undefined && isAbsolute(home) ? { homeDirectory: home } : {}
  try {
    const { uid, gid, username, homedir } = userInfo()
    return { uid, gid, name: username, homeDirectory: homedir, ...override }
  } catch {
    // getpwuid_r(3) knows no such user, as in a container that runs under a bare number.
    const uid = process.getuid?.() ?? 0
    return { uid, gid: process.getgid?.() ?? 0, name: String(uid), homeDirectory: '/', ...override }
  }
}

// Podman ends with "cannot chdir" in a folder that its user may not read.
function findWorkingDirectory(): string {
  try {
    const directory = process.cwd()
    accessSync(directory, constants.R_OK | constants.X_OK)
    return directory
  } catch {
    return '/'
  }
}
