import { printable, RootlessError } from '@rootless-runtime/core'

/**
 * Who runs a command inside: numbers of the container, and what its passwd(5) says of them. Groups beside these two there are none:
 * liblxc leaves them out for every container with a map of ids (5.0, start.c), and lxc-attach takes none.
 */
export interface InsideUser {
  readonly uid: number
  readonly gid: number
  readonly home: string
}

interface PasswdLine {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/** Nobody's numbers are above it; Linux keeps the last one for itself. */
const MAXIMUM_ID = 4_294_967_294

/** Whether a user can be told without looking into the container's files. */
export function isRoot(user: string): boolean {
  return user === '' || user === '0' || user === 'root' || user === '0:0' || user === 'root:root'
}

/**
 * Finds a user as Docker writes them: `name`, `uid`, `name:group`, `uid:gid`; empty is root. A number need not be in passwd.
 *
 * @throws RootlessError `USER_NOT_FOUND`
 */
export function findUser(user: string, passwd: string, group: string): InsideUser {
  const [wanted = '', wantedGroup] = user === '' ? ['0'] : user.split(':')
  const lines = parsePasswd(passwd)
  const id = toId(wanted)
  const line = lines.find(({ name, uid }) => name === wanted || uid === id)
  const uid = line?.uid ?? id
  if (uid === null) throw notFound(user, `${printable(wanted)} is not in /etc/passwd`)
  const gid = wantedGroup === undefined ? (line?.gid ?? 0) : findGroup(user, wantedGroup, group)
  return { uid, gid, home: line?.home || '/' }
}

function findGroup(user: string, wanted: string, group: string): number {
  const line = splitLines(group).find(([name]) => name === wanted)
  const gid = toId(line?.[2] ?? wanted)
  if (gid === null) throw notFound(user, `${printable(wanted)} is not in /etc/group`)
  return gid
}

function parsePasswd(text: string): readonly PasswdLine[] {
  return splitLines(text).flatMap(([name, , uidText, gidText, , home]) => {
    const [uid, gid] = [toId(uidText ?? ''), toId(gidText ?? '')]
    return name === undefined || uid === null || gid === null ? [] : [{ name, uid, gid, home: home ?? '' }]
  })
}

function splitLines(text: string): readonly (readonly string[])[] {
  return text.split('\n').map((line) => line.split(':'))
}

function toId(text: string): number | null {
  return /^\d{1,10}$/u.test(text) && Number(text) <= MAXIMUM_ID ? Number(text) : null
}

function notFound(user: string, why: string): RootlessError {
  return new RootlessError('USER_NOT_FOUND', `the user ${printable(user)} is not in the container: ${why}`, { engine: 'lxc' })
}
