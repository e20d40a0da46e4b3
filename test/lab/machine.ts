import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { runOnHost } from './host-command.ts'
import { LabError } from './lab-error.ts'

/** What the lab calls on this host, and the Debian package of each. */
const TOOLS: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  mmdebstrap: 'mmdebstrap',
  mke2fs: 'e2fsprogs',
  busybox: 'busybox-static',
  depmod: 'kmod',
  cpio: 'cpio',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  zstd: 'zstd',
  xz: 'xz-utils',
  flock: 'util-linux',
  setpriv: 'util-linux',
}

/** The keys that Debian's archive is signed with. */
export const DEBIAN_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

function isOnPath(name: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** The Debian packages of tools that this host lacks. */
export function listMissingPackages(): readonly string[] {
  const missing = Object.entries(TOOLS).flatMap(([tool, debianPackage]) => (isOnPath(tool) ? [] : [debianPackage]))
  const keys = existsSync(DEBIAN_KEYRING) ? [] : ['debian-archive-keyring']
  return [...new Set([...missing, ...keys])].toSorted()
}

/**
 * Makes sure that this host has the tools. Root on Debian or Ubuntu gets them installed, with a word about it.
 *
 * @throws LabError naming the missing packages and the command that installs them.
 */
export async function ensureTools(onProgress: (line: string) => void): Promise<void> {
  const missing = listMissingPackages()
  if (missing.length === 0) return
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...missing]
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    throw new LabError(`the lab needs ${missing.join(', ')}`, `as root: ${install.join(' ')}`)
  }
  onProgress(`installing ${missing.join(', ')}`)
  const environment = { DEBIAN_FRONTEND: 'noninteractive' }
  await runOnHost('apt-get', ['update'], { environment })
  await runOnHost('apt-get', install.slice(1), { environment })
  const still = listMissingPackages()
  if (still.length > 0) throw new LabError(`apt-get installed no ${still.join(', ')}`, `as root: ${install.join(' ')}`)
}

/** The first line of `qemu --version`: a frozen state belongs to one. */
export async function readQemuVersion(): Promise<string> {
  return (await runOnHost('qemu-system-x86_64', ['--version'])).split('\n')[0] ?? ''
}

/** How qemu runs a guest's instructions, and why that way. */
export type Accelerator = { readonly name: 'kvm' | 'tcg'; readonly reason: string }

/**
 * KVM when it works, else emulation. `/dev/kvm` alone proves little: where the processor has no vmx or svm, KVM may emulate the
 * guest's kernel itself, as kvm-pvm does: Debian's kernel 6.1 printed `Memory:` after 16.0 s there, and after 0.12 s under TCG.
 */
export function chooseAccelerator(cpuinfo = readCpuinfo(), canOpenKvm = canOpen('/dev/kvm')): Accelerator {
  if (!canOpenKvm) return { name: 'tcg', reason: '/dev/kvm is absent or closed to this user' }
  if (!/^flags\s*:.*\b(?:vmx|svm)\b/mu.test(cpuinfo)) {
    return { name: 'tcg', reason: 'this processor shows no virtualisation (vmx or svm) to KVM' }
  }
  return { name: 'kvm', reason: '/dev/kvm opens and the processor has virtualisation' }
}

function readCpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8')
  } catch {
    return ''
  }
}

function canOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}
