import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import {
  enterPrivateFolder,
  findProcesses,
  hasEnded,
  readUsedBytes,
  removePrivateFolder,
  signalAll,
  stopAll,
  until,
  type DiskOptions,
  type PrivateEngine,
} from './private-engine.ts'

/** Where Debian and Docker's own packages put the script. */
const SCRIPT_FOLDERS = ['/usr/share/docker.io/contrib', '/usr/bin', '/usr/local/bin']

/** A rootless Docker of this test file alone: its own RootlessKit, containerd, data and socket. */
export async function openPrivateDocker({ diskBytes }: DiskOptions = {}): Promise<PrivateEngine> {
  const scripts = SCRIPT_FOLDERS.find((each) => existsSync(join(each, 'dockerd-rootless.sh')))
  if (scripts === undefined) throw new Error('dockerd-rootless.sh is not here: rootless setup installs it')
  const place = enterPrivateFolder(({ runtimeFolder }) => ({ DOCKER_HOST: `unix://${runtimeFolder}/docker.sock` }))
  const { folder, home, runtimeFolder } = place
  const [wrappers, data, log] = [join(folder, 'bin'), join(home, '.local/share/docker'), join(folder, 'log')]
  mkdirSync(wrappers)
  // The script starts whatever is called dockerd, in the namespaces of RootlessKit.
  if (diskBytes !== undefined) {
    const lines = ['#!/bin/sh -e', `mkdir -p ${data}`, `mount -t tmpfs -o size=${diskBytes} tmpfs ${data}`]
    writeFileSync(join(wrappers, 'dockerd'), [...lines, 'PATH=${PATH#*:}', 'exec dockerd "$@"', ''].join('\n'), { mode: 0o755 })
  }
  const pidOf = (file: string): number => Number(readFileSync(join(runtimeFolder, file), 'utf8'))
  let killed: readonly number[] = []
  const engine = {
    folder,
    start: async () => {
      if (killed.length === 0 && (await answers(join(runtimeFolder, 'docker.sock')))) return
      await until('the end of Docker', () => killed.every(hasEnded))
      // Docker 20.10 takes a zombie for a containerd that works: kill(2) with signal 0 says that it is there.
      rmSync(join(runtimeFolder, 'docker/containerd/containerd.pid'), { force: true })
      const output = openSync(log, 'a')
      const environment = { ...process.env, PATH: `${wrappers}:${scripts}:${process.env['PATH']}` }
      spawn('dockerd-rootless.sh', [], { env: environment, detached: true, stdio: ['ignore', output, output] }).unref()
      closeSync(output)
      await until(`Docker in ${folder}`, () => answers(join(runtimeFolder, 'docker.sock')))
      killed = []
    },
    kill: () => {
      // Containerd and RootlessKit follow by themselves.
      killed = ['docker.pid', 'docker/containerd/containerd.pid'].map(pidOf)
      signalAll(killed.slice(0, 1), 'SIGKILL')
      return performance.now()
    },
    suspend: () => stopAll([pidOf('docker.pid')]),
    resume: () => signalAll([pidOf('docker.pid')], 'SIGCONT'),
    usedBytes: () => readUsedBytes(pidOf('docker.pid'), data),
    [Symbol.asyncDispose]: async () => {
      signalAll(findProcesses(folder), 'SIGCONT')
      await removePrivateFolder(place)
    },
  }
  try {
    await engine.start()
    return engine
  } catch (error) {
    await engine[Symbol.asyncDispose]()
    throw error
  }
}

async function answers(path: string): Promise<boolean> {
  const answered = Promise.withResolvers<boolean>()
  const socket = connect(path)
  socket.on('error', () => answered.resolve(false)).on('close', () => answered.resolve(false))
  socket.on('connect', () => socket.write('GET /_ping HTTP/1.0\r\n\r\n')).on('data', () => answered.resolve(true))
  const isThere = await answered.promise
  socket.destroy()
  return isThere
}
