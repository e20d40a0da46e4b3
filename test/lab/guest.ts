import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { execa } from 'execa'
import { LabError } from './lab-error.ts'
import type { Machine } from './qemu.ts'
import type { Configuration, Release } from './releases.ts'

/** How a command in a guest ended. 255 may also be ssh itself. */
export interface GuestEnded {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export type GuestUser = 'moby' | 'root'

export interface GuestRunOptions {
  readonly user?: GuestUser
  readonly input?: string | Readable
  readonly timeoutMs?: number
}

/** A running guest. It ends with its owner: by `stop`, by `await using`, or with this process. */
export interface Guest extends AsyncDisposable {
  readonly name: string
  readonly release: Release
  readonly configuration: Configuration
  readonly accelerator: 'kvm' | 'tcg'
  /** How ssh reaches it. */
  readonly address: { readonly folder: string; readonly port: number; readonly keyFile: string }
  /** A shell line inside, as moby unless told. Never throws for an exit code; throws LabError for a time limit. */
  run(line: string, options?: GuestRunOptions): Promise<GuestEnded>
  /** Throws unless it exits with 0; returns stdout, trimmed. */
  must(line: string, options?: GuestRunOptions): Promise<string>
  /** Copies a folder's content into a folder of the guest. */
  send(folder: string, target: string, options?: { readonly user?: GuestUser }): Promise<void>
  /** `systemctl reboot`, and waits for ssh. What was written to the disk stays. */
  reboot(): Promise<void>
  stop(): Promise<void>
}

/** One engine command in a busy emulated guest, unless told. */
const RUN_TIMEOUT_MS = 180_000
const BOOT_TIMEOUT_MS = 300_000
const CONNECT_SECONDS = 30

/** How ssh reaches a guest: nothing of this user's configuration, one key, one connection shared by all commands of a user. */
export function toSshArguments(machine: Pick<Machine, 'folder' | 'port'>, keyFile: string, user: GuestUser): readonly string[] {
  const options = [
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    `ConnectTimeout=${CONNECT_SECONDS}`,
    // Cheap ones: the guest's processor may be emulated.
    'KexAlgorithms=curve25519-sha256',
    'Ciphers=aes128-gcm@openssh.com,chacha20-poly1305@openssh.com',
    'ControlMaster=auto',
    `ControlPath=${join(machine.folder, `${user}.ssh`)}`,
    'ControlPersist=yes',
  ]
  return [
    '-q',
    '-F',
    'none',
    '-i',
    keyFile,
    ...options.flatMap((option) => ['-o', option]),
    '-p',
    `${machine.port}`,
    `${user}@127.0.0.1`,
  ]
}

export interface GuestDescription {
  readonly name: string
  readonly release: Release
  readonly configuration: Configuration
  readonly accelerator: 'kvm' | 'tcg'
}

/** A guest over a machine that boots or has booted. */
export function createGuest(machine: Machine, keyFile: string, description: GuestDescription): Guest {
  const ssh = (user: GuestUser): readonly string[] => toSshArguments(machine, keyFile, user)
  const toRemoteLine = (line: string): string => `[ ! -r /etc/profile.d/lab.sh ] || . /etc/profile.d/lab.sh; ${line}`

  const run = async (line: string, options: GuestRunOptions = {}): Promise<GuestEnded> => {
    const { user = 'moby', input, timeoutMs = RUN_TIMEOUT_MS } = options
    machine.requireRunning()
    const command = execa('ssh', [...ssh(user), toRemoteLine(line)], {
      reject: false,
      stripFinalNewline: false,
      ...(typeof input === 'string' ? { input } : { stdin: input ?? ('ignore' as const) }),
    })
    let late = false
    const timer = setTimeout(() => {
      late = true
      command.kill('SIGKILL')
      // The shared connection holds the other ends until the command inside ends.
      command.stdout.destroy()
      command.stderr.destroy()
    }, timeoutMs)
    const ended = await command
    clearTimeout(timer)
    machine.requireRunning()
    if (late) {
      throw new LabError(
        `${description.name}: no end within ${timeoutMs / 1000} s: ${line}`,
        `its console:\n${machine.readConsole()}`,
      )
    }
    return { exitCode: ended.exitCode ?? 255, stdout: ended.stdout, stderr: ended.stderr }
  }

  const must = async (line: string, options?: GuestRunOptions): Promise<string> => {
    const ended = await run(line, options)
    if (ended.exitCode === 0) return ended.stdout.trim()
    throw new Error(`${description.name}: ${line}\nended with ${ended.exitCode}\n${ended.stderr}${ended.stdout}`)
  }

  const stop = (): Promise<void> => machine.stop()
  return {
    ...description,
    address: { folder: machine.folder, port: machine.port, keyFile },
    run,
    must,
    async send(folder, target, { user = 'moby' } = {}) {
      const pack = spawn('tar', ['-C', folder, '-cf', '-', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
      await must(`mkdir -p ${target} && tar -C ${target} -xf -`, { user, input: pack.stdout })
    },
    async reboot() {
      await run('systemctl reboot', { user: 'root', timeoutMs: 60_000 })
      // The old system answers until it goes down.
      const before = performance.now()
      while ((await run('true', { user: 'root', timeoutMs: 60_000 })).exitCode === 0 && performance.now() - before < 60_000) {
        await new Promise((resolve) => setTimeout(resolve, 500))
      }
      await waitForSsh(machine, run, 'root')
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Waits until a guest answers, or says what its console showed last. */
export async function waitForSsh(
  machine: Machine,
  run: Guest['run'],
  user: GuestUser,
  timeoutMs = BOOT_TIMEOUT_MS,
): Promise<void> {
  const started = performance.now()
  for (;;) {
    machine.requireRunning()
    const left = timeoutMs - (performance.now() - started)
    if (left <= 0) {
      throw new LabError(`the guest did not answer within ${timeoutMs / 1000} s`, `its console:\n${machine.readConsole()}`)
    }
    const worked = await run('true', { user, timeoutMs: Math.max(1, Math.min(20_000, left)) }).then(
      ({ exitCode }) => exitCode === 0,
      () => false,
    )
    if (worked) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
