import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { must } from '../look.ts'
import {
  enterPrivateFolder,
  findProcesses,
  enterCommand,
  hasEnded,
  readUsedBytes,
  removePrivateFolder,
  signalAll,
  stopAll,
  until,
  type DiskOptions,
  type PrivateEngine,
  type PrivateFolder,
} from './private-engine.ts'

/** A Podman of this test file alone: its own store, locks and runtime folder. Its service is the one that the library starts. */
export async function openPrivatePodman({ diskBytes }: DiskOptions = {}): Promise<PrivateEngine> {
  const runtime = await must('podman', ['info', '--format', '{{.Host.OCIRuntime.Name}}'])
  const driver = await must('podman', ['info', '--format', '{{.Store.GraphDriverName}}'])
  const place = enterPrivateFolder(() => ({}))
  const { folder, home, runtimeFolder } = place
  const configuration = join(home, '.config/containers')
  mkdirSync(configuration, { recursive: true })
  // Locks are else in a memory that all of a user's Podmans share: those of a store that is thrown away would stay taken.
  writeFileSync(join(configuration, 'containers.conf'), `[engine]\nruntime = "${runtime}"\nlock_type = "file"\n`)
  writeFileSync(join(configuration, 'storage.conf'), `[storage]\ndriver = "${driver}"\n`)
  const store = join(home, '.local/share/containers/storage')
  mkdirSync(store, { recursive: true })
  const holder = diskBytes === undefined ? process.pid : await holdDisk(place, store, diskBytes)
  const services = (): readonly number[] => findProcesses(`${runtimeFolder}/rootless-runtime/podman-${process.pid}-`)
  let killed: readonly number[] = []
  return {
    folder,
    // The library's next question starts it.
    start: async () => {
      await until('the end of Podman', () => killed.every(hasEnded))
      // This process hears of the end of its connections one after the other.
      await sleep(100)
    },
    kill: () => {
      killed = services()
      if (killed.length === 0) throw new Error('no service of Podman runs')
      signalAll(killed, 'SIGKILL')
      return performance.now()
    },
    suspend: () => stopAll(services()),
    resume: () => signalAll(services(), 'SIGCONT'),
    usedBytes: () => readUsedBytes(holder, store),
    [Symbol.asyncDispose]: async () => {
      signalAll(services(), 'SIGCONT')
      await removePrivateFolder(place)
    },
  }
}

/**
 * Makes the store a file system of its own, which a process holds in Podman's user namespace, and has whoever calls `podman` do so in
 * there.
 */
async function holdDisk({ folder }: PrivateFolder, store: string, bytes: number): Promise<number> {
  const file = await must('sh', ['-c', 'command -v podman'])
  const mount = `mount -t tmpfs -o size=${bytes} tmpfs ${store} && echo ready && exec sleep infinity`
  const held = spawn('podman', ['unshare', 'sh', '-c', mount], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(held.stdout, 'data')
  const find = (): number => findProcesses(`${folder}/home`).find(isSleep) ?? 0
  await until('whoever holds the disk', () => find() > 0)
  const pid = find()
  const inside = ['env', '_CONTAINERS_USERNS_CONFIGURED=done', `_CONTAINERS_ROOTLESS_UID=${process.getuid?.()}`]
  const words = [...enterCommand(pid), ...inside, `_CONTAINERS_ROOTLESS_GID=${process.getgid?.()}`, file]
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/podman'), `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, { mode: 0o755 })
  process.env['PATH'] = `${folder}/bin:${process.env['PATH']}`
  return pid
}

function isSleep(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep\0')
}
