import { known, unknownFact, type Fact, type System } from '@rootless-runtime/core'
import { pingDocker } from './ping-docker.ts'
import { readMode, readTextFact } from './read-facts.ts'
import { readSupervisor } from './read-supervisor.ts'
import type { SetupUser } from './setup-plan.ts'
import type { UserState } from './setup-state.ts'
import { toUserPlaces } from './user-places.ts'

const PING_TIMEOUT_MS = 2000

export async function readUserState(system: System, user: SetupUser): Promise<UserState> {
  const places = toUserPlaces(user)
  const read = (path: string): Promise<Fact<string | null>> => readTextFact(system, path)
  const [homeMode, runtimeDirectory, linger, podmanStorage, docker, supervisorPid] = await Promise.all([
    readMode(system, user.home),
    readRuntimeDirectory(system, user, places.runtimeDirectory),
    // logind(8) keeps one empty file per lingering user.
    system.status(`/var/lib/systemd/linger/${user.name}`),
    system.status(places.podmanStorage),
    pingDocker(system, places.dockerSocket, PING_TIMEOUT_MS),
    readSupervisor(system, user),
  ])
  return {
    homeMode,
    runtimeDirectory,
    linger: linger.status === 'ok',
    containersConf: await read(places.containersConf),
    storageConf: await read(places.storageConf),
    lxcDefaultConf: await read(places.lxcDefaultConf),
    dockerUnit: await read(places.dockerUnit),
    supervisorScript: await read(places.supervisorScript),
    podmanStorage: podmanStorage.status !== 'absent',
    docker,
    supervisorPid,
  }
}

async function readRuntimeDirectory(system: System, user: SetupUser, path: string): Promise<UserState['runtimeDirectory']> {
  const status = await system.status(path)
  if (status.status === 'absent') return known('absent', path)
  if (status.status !== 'ok') return unknownFact(status.reason, path)
  const { kind, uid, mode } = status.value
  if (kind !== 'directory' || uid !== user.uid) return known('foreign', path)
  // XDG base directory specification: the folder's mode must be 0700.
  return known((mode & 0o777) === 0o700 ? 'ready' : 'open', path)
}
