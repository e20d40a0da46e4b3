import { known, printable, unknownFact, type Fact, type System } from '@rootless-runtime/core'
import { parseSubordinateIds, parseTakenIds, toFreeUserId } from './accounts.ts'
import { readTextFact } from './read-facts.ts'
import type { SetupUser } from './setup-plan.ts'
import type { AccountsState, SubordinateRange } from './setup-state.ts'

export async function readAccounts(system: System, userName: string): Promise<AccountsState> {
  const [target, passwd, group, subordinateUserIds, subordinateGroupIds] = await Promise.all([
    readAccount(system, userName),
    readTextFact(system, '/etc/passwd'),
    readTextFact(system, '/etc/group'),
    readRanges(system, '/etc/subuid'),
    readRanges(system, '/etc/subgid'),
  ])
  const taken = [passwd, group].flatMap((fact) => (fact.status === 'known' ? parseTakenIds(fact.value ?? '') : []))
  return { target, freeId: toFreeUserId(taken), subordinateUserIds, subordinateGroupIds }
}

// getent(1) and not /etc/passwd: a company's users live in LDAP.
async function readAccount(system: System, userName: string): Promise<Fact<SetupUser | null>> {
  const source = `getent passwd ${userName}`
  const answer = await system.run({ file: 'getent', arguments: ['passwd', '--', userName], timeoutMs: 10_000 })
  if (answer.status !== 'exited') return unknownFact(answer.reason, source)
  // getent(1): 2 means that the key was not found.
  if (answer.exitCode === 2) return known(null, source)
  const account = answer.exitCode === 0 ? parseAccount(answer.stdout, userName) : undefined
  if (account !== undefined) return known(account, source)
  return unknownFact(`exit code ${answer.exitCode}: ${printable(answer.stdout || answer.stderr)}`, source)
}

/** One line of passwd(5); `undefined` for anything that is not this user's entry with an absolute home folder. */
export function parseAccount(line: string, userName: string): SetupUser | undefined {
  const [name, , uid = '', gid = '', , home = ''] = line.trimEnd().split(':')
  if (name !== userName || !/^\d{1,10}$/u.test(uid) || !/^\d{1,10}$/u.test(gid)) return undefined
  if (!isHomePath(home)) return undefined
  return { name: userName, uid: Number(uid), gid: Number(gid), home: home.replace(/\/+$/u, '') }
}

function isHomePath(home: string): boolean {
  return /^\/[^\u0000-\u001f\u007f]+$/u.test(home) && !/^\/+$/u.test(home) && !home.split('/').includes('..')
}

async function readRanges(system: System, path: string): Promise<Fact<readonly SubordinateRange[]>> {
  const text = await readTextFact(system, path)
  return text.status === 'known' ? known(parseSubordinateIds(text.value ?? ''), path) : text
}
