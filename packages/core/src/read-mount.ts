import { known, unknownFact, type Fact } from './fact.ts'
import { findMount, parseMountInfo, type Mount } from './mount.ts'
import type { System } from './system.ts'

const MOUNT_INFO = '/proc/self/mountinfo'

/** The mount that holds a folder, or that will hold it when the folder is not made yet. */
export async function readMountOf(system: System, folder: string): Promise<Fact<Mount>> {
  const [text, real] = await Promise.all([system.readText(MOUNT_INFO), resolveExisting(system, folder)])
  if (text.status !== 'ok') return unknownFact(text.reason, MOUNT_INFO)
  const mount = findMount(parseMountInfo(text.value), real)
  const source = `${MOUNT_INFO}: ${folder}`
  return mount === undefined ? unknownFact('no mount holds it', source) : known(mount, source)
}

async function resolveExisting(system: System, folder: string): Promise<string> {
  const parts = folder.split('/').filter((part) => part !== '')
  for (let count = parts.length; count > 0; count -= 1) {
    const answer = await system.realPath(`/${parts.slice(0, count).join('/')}`)
    if (answer.status === 'ok') return [answer.value, ...parts.slice(count)].join('/')
    if (answer.status !== 'absent') break
  }
  return folder
}
