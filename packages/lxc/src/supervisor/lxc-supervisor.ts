import { mkdirSync, rmSync } from 'node:fs'
import { CONTAINER_FILES, socketName } from '../lxc-messages.ts'
import { listenForClients } from './clients.ts'
import { readStartTicks } from './proc.ts'
import { createSupervision } from './supervision.ts'
import { writeNote } from './write-note.ts'

/**
 * The program that keeps one container while whoever made it may be gone, as conmon does for Podman: its output, its stdin, its exit
 * code and the programs that serve its network. It stands in the container's folder, ends with the container, and starts nothing by
 * itself.
 */
async function main(): Promise<void> {
  // Signals of a terminal or a session that ends are not for the container.
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
  mkdirSync(CONTAINER_FILES.pipes, { recursive: true, mode: 0o700 })
  const path = socketName(process.pid)
  rmSync(path, { force: true })
  const supervision = createSupervision()
  const listening = await listenForClients(path, supervision)
  writeNote(CONTAINER_FILES.supervisor, { pid: process.pid, startTicks: readStartTicks(process.pid) ?? 0 })
  await supervision.finished
  rmSync(path, { force: true })
  listening.close()
  process.exit(0)
}

await main()
