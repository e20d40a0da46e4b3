import { renameSync, writeFileSync } from 'node:fs'

/** Writes a small file of ours at once: a reader sees the old one or the new one. */
export function writeNote(path: string, note: object): void {
  writeFileSync(`${path}.part`, JSON.stringify(note), { mode: 0o600 })
  renameSync(`${path}.part`, path)
}
