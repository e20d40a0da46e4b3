import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, copyFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const APPLETS = ['sh', 'true', 'cat', 'head', 'seq', 'sleep', 'wc', 'dd', 'ls', 'mkdir', 'nc']

/** The host's static busybox as a root file system, in a tar of its own; the caller removes the folder that it lies in. */
export function makeTestRootfs(): { readonly path: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'rootless-bench-'))
  const root = join(folder, 'root')
  for (const name of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev']) mkdirSync(join(root, name), { recursive: true })
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n')
  const path = join(folder, 'rootfs.tar')
  const { status, stderr } = spawnSync('tar', ['-C', root, '--owner=0', '--group=0', '--mtime=@0', '-cf', path, '.'], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`tar ended with ${status}: ${stderr}`)
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
