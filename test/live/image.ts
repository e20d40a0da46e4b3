import { copyFileSync, mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must, run } from './look.ts'

const APPLETS = ['sh', 'sleep', 'cat', 'httpd', 'nc', 'ping', 'echo']

/** A folder with `image.tar`: a static busybox as a whole root file system, made without any registry. */
export async function buildImage(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rootless-live-'))
  const binaries = join(folder, 'root', 'bin')
  mkdirSync(binaries, { recursive: true })
  for (const name of ['proc', 'sys', 'dev', 'tmp', 'etc']) mkdirSync(join(folder, 'root', name))
  const busybox = (await run('sh', ['-c', 'command -v busybox'])).stdout.trim()
  if (busybox === '') throw new Error('the live tests need busybox-static: rootless setup installs it')
  copyFileSync(busybox, join(binaries, 'busybox'))
  for (const name of APPLETS) symlinkSync('busybox', join(binaries, name))
  await must('tar', ['-C', join(folder, 'root'), '-cf', join(folder, 'image.tar'), '.'])
  return folder
}
