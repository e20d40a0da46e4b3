import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Accelerator } from './machine.ts'
import { LabError } from './lab-error.ts'

/** What a machine is started with. */
export interface MachineOptions {
  readonly imageFolder: string
  /** A disk file, thrown-away writes unless `keepWrites`. */
  readonly disk: { readonly file: string; readonly format: 'raw' | 'qcow2'; readonly keepWrites: boolean }
  /** A frozen memory file that the machine goes on from. */
  readonly memory?: string
  readonly kernelParameters: readonly string[]
  readonly accelerator: Accelerator
}

/** A qemu process, and the folder of its sockets. */
export interface Machine {
  readonly pid: number
  readonly folder: string
  readonly port: number
  readonly monitorPath: string
  /** Throws, with what qemu and the console said last, when qemu has ended. */
  requireRunning(): void
  readConsole(): string
  stop(): Promise<void>
}

const MACHINE_CPUS = 2
const MACHINE_MEGABYTES = 2048
const CONSOLE_TAIL_LINES = 25

/** Parameters that every guest gets: a console, no name games with devices, and nothing that slows an emulated boot down. */
const KERNEL_PARAMETERS = [
  'console=ttyS0',
  'quiet',
  'loglevel=3',
  'mitigations=off',
  'nokaslr',
  'random.trust_cpu=1',
  'net.ifnames=0',
  'tsc=reliable',
  'no_timer_check',
  'systemd.show_status=0',
]

/** The machine's own arguments. A frozen state goes on only in a machine that was started with the same. */
export function toQemuArguments(options: MachineOptions, folder: string, port: number): readonly string[] {
  const { imageFolder, disk, memory, kernelParameters, accelerator } = options
  const writes = disk.keepWrites ? '' : ',snapshot=on'
  return [
    ['-nodefaults', '-no-user-config', '-display', 'none', '-machine', 'pc'],
    ['-accel', accelerator.name === 'kvm' ? 'kvm' : 'tcg,thread=multi,tb-size=512', '-cpu', 'max'],
    ['-smp', `${MACHINE_CPUS}`, '-m', `${MACHINE_MEGABYTES}`],
    ['-kernel', join(imageFolder, 'vmlinuz'), '-initrd', join(imageFolder, 'initrd')],
    ['-append', [...KERNEL_PARAMETERS, ...kernelParameters].join(' ')],
    ['-drive', `if=none,id=disk,file=${disk.file},format=${disk.format},cache=unsafe,aio=threads${writes}`],
    ['-device', 'virtio-blk-pci,drive=disk'],
    // restrict=on: the guest reaches nothing, not even this host.
    ['-netdev', `user,id=net,hostfwd=tcp:127.0.0.1:${port}-:22,restrict=on`, '-device', 'virtio-net-pci,netdev=net,romfile='],
    ['-object', 'rng-random,id=random,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=random'],
    ['-serial', `file:${join(folder, 'console')}`, '-qmp', `unix:${join(folder, 'monitor')},server=on,wait=off`],
    memory === undefined ? [] : ['-incoming', `exec:zstd -dcq ${quoteForShell(memory)}`],
  ].flat()
}

// qemu hands what follows `exec:` to a shell of its own; there is no other way to give it a compressed file.
function quoteForShell(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`
}

/** Starts qemu, reached at a port of this host. The kernel ends it with us, however we end. */
export async function startMachine(options: MachineOptions, wanted?: number): Promise<Machine> {
  // Socket paths end at 108 bytes: a short folder, whatever the cache's is.
  const folder = mkdtempSync(join(tmpdir(), 'lab-'))
  const port = wanted ?? (await findFreePort())
  const log = openSync(join(folder, 'qemu'), 'w')
  const words = ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...toQemuArguments(options, folder, port)]
  // qemu keeps what a thrown-away disk was written in $TMPDIR, deleted as soon as it is open.
  const environment = { ...process.env, TMPDIR: '/var/tmp' }
  const child = spawn('setpriv', words, { stdio: ['ignore', log, log], env: environment, detached: true })
  closeSync(log)
  if (child.pid === undefined) throw new LabError('qemu was not started', 'pnpm lab list shows what is missing')
  child.unref()
  return toMachine(child, child.pid, folder, port)
}

function toMachine(child: ChildProcess, pid: number, folder: string, port: number): Machine {
  let ended = false
  const end = new Promise<void>((resolve) => {
    child.once('exit', () => {
      ended = true
      resolve()
    })
    child.once('error', () => {
      ended = true
      resolve()
    })
  })
  const removeFolder = (): void => {
    process.off('exit', removeFolder)
    rmSync(folder, { recursive: true, force: true })
  }
  process.on('exit', removeFolder)
  const read = (name: string): string => {
    try {
      return readFileSync(join(folder, name), 'utf8')
    } catch {
      return ''
    }
  }
  const readConsole = (): string => read('console').split('\n').slice(-CONSOLE_TAIL_LINES).join('\n').trim()
  return {
    pid,
    folder,
    port,
    monitorPath: join(folder, 'monitor'),
    readConsole,
    requireRunning() {
      if (!ended) return
      const said = [read('qemu').trim(), readConsole()].filter((text) => text !== '').join('\n')
      // Another program may take a port between our look and qemu's.
      const next = said.includes('host forwarding rule')
        ? `try again: another program has taken port ${port}`
        : 'pnpm lab clean makes the cache anew, if the image is damaged'
      throw new LabError(`qemu ended:\n${said}`, next)
    },
    async stop() {
      child.ref()
      if (!ended) child.kill('SIGKILL')
      await end
      removeFolder()
    },
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port')
  return address.port
}
