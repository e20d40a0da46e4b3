import { buffer } from 'node:stream/consumers'
import { TarScanner } from '@rootless-runtime/image'
import { RootlessError } from '@rootless-runtime/core'
import { openBody, type DockerClient } from './docker-client.ts'
import { toPath } from './docker-lifecycle.ts'

const PASSWD = '/etc/passwd'

/** Whether a user as Docker takes it, `name`, `uid` or either with a group, is root inside. */
export function isRoot(user: string): boolean {
  return user === '' || /^(?:root|0)(?::|$)/u.test(user)
}

/** The number of a user, as /etc/passwd of the image has it. @throws RootlessError `USER_NOT_FOUND` */
export async function findUid(client: DockerClient, id: string, user: string): Promise<number> {
  const [name = ''] = user.split(':')
  const line = (await readPasswd(client, id)).split('\n').find((each) => each.startsWith(`${name}:`))
  const uid = line?.split(':')[2] ?? name
  if (/^\d{1,10}$/u.test(uid)) return Number(uid)
  throw new RootlessError('USER_NOT_FOUND', `there is no user ${name} in the image`, { engine: 'docker' })
}

async function readPasswd(client: DockerClient, id: string): Promise<string> {
  const path = `${toPath(id)}/archive?path=${encodeURIComponent(PASSWD)}`
  try {
    const tar = await buffer(await openBody(client, { method: 'GET', path, what: `reading ${PASSWD}` }, {}))
    const parts: Uint8Array[] = []
    const where = `${PASSWD} of the image`
    const scanner = new TarScanner({ where, maximumEntries: 1, onEntry: () => undefined, onContent: (part) => parts.push(part) })
    scanner.push(tar)
    return Buffer.concat(parts).toString('utf8')
  } catch (error) {
    // An image without one has numbers alone.
    if (error instanceof RootlessError && error.code === 'PATH_NOT_FOUND') return ''
    throw error
  }
}
