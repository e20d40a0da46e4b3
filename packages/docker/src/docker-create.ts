import { RootlessError, type Call, type ContainerPlan } from '@rootless-runtime/core'
import * as z from 'zod'
import { parseReply, type DockerClient } from './docker-client.ts'
import { toCreateBody } from './docker-create-body.ts'
import { abortedError } from './docker-errors.ts'
import { imageInspect } from './docker-image-state.ts'
import { toPath, type DockerPlace } from './docker-lifecycle.ts'
import { placeSecrets } from './docker-secrets.ts'
import { isRoot } from './docker-user.ts'

const created = z.object({ Id: z.string() })

/**
 * Docker goes on making a container whose client has gone. So the answer is waited for even when the caller gives up, and what
 * was made is removed.
 */
export async function createContainer(place: DockerPlace, plan: ContainerPlan, call: Call): Promise<string> {
  const { client, secrets } = place
  const what = `creating ${plan.name}`
  const user = needsUser(plan) ? (plan.user ?? (await readImageUser(client, plan.image, call))) : ''
  checkOwners(plan, user)
  await checkNetwork(client, plan, call)
  throwIfAborted(what, call)
  const folder = await placeSecrets(place, plan, user)
  try {
    const beganMs = Date.now()
    const path = `/containers/create?name=${encodeURIComponent(plan.name)}`
    const reply = await client.work({ method: 'POST', path, body: { json: toCreateBody(plan, folder) }, what }, {})
    const { Id } = parseReply(created, reply, what)
    await removeUnless(client, Id, async () => {
      await checkWorkdir(client, Id, plan, beganMs)
      throwIfAborted(what, call)
      if (folder !== null) await secrets.keep(folder)
    })
    return Id
  } catch (error) {
    if (folder !== null) await secrets.remove(folder)
    throw error
  }
}

async function removeUnless(client: DockerClient, id: string, check: () => Promise<void>): Promise<void> {
  try {
    await check()
  } catch (error) {
    await client.work({ method: 'DELETE', path: `${toPath(id)}?v=1`, what: `removing ${id}` }, {})
    throw error
  }
}

function throwIfAborted(what: string, { signal }: Call): void {
  if (signal?.aborted === true) throw abortedError(what, signal)
}

function needsUser({ mounts, secrets }: ContainerPlan): boolean {
  return Object.keys(secrets).length > 0 || mounts.some((mount) => 'owner' in mount && mount.owner === 'me')
}

async function readImageUser(client: DockerClient, image: string, call: Call): Promise<string> {
  const what = `looking at the image ${image}`
  const path = `/images/${image.split('/').map(encodeURIComponent).join('/')}/json`
  return parseReply(imageInspect, await client.ask({ method: 'GET', path, what }, call), what).Config?.User ?? ''
}

/**
 * Without root, Docker's containers share one map of ids: root inside is the caller outside, and everybody else inside is
 * somebody else outside.
 */
function checkOwners({ mounts }: ContainerPlan, user: string): void {
  const mount = mounts.find((each) => 'owner' in each && each.owner === 'me')
  if (mount === undefined || isRoot(user)) return
  const reason = `what the user ${user} makes inside cannot belong to you outside: in Docker without root only root inside is you`
  throw new RootlessError('NOT_SUPPORTED', `the mount at ${mount.target} with owner 'me': ${reason}`, { engine: 'docker' })
}

// Docker makes a container for a network that is not there, and says so when it is started.
async function checkNetwork(client: DockerClient, { network }: ContainerPlan, call: Call): Promise<void> {
  if (network === 'default' || network === 'none' || network === 'host') return
  const path = `/networks/${encodeURIComponent(network)}`
  await client.ask({ method: 'GET', path, what: `looking for the network ${network}` }, call)
}

const pathStat = z.object({ mtime: z.string() })

/** The clock that files get their times from is behind by up to one tick of the kernel: 10 ms at 100 Hz. */
const CLOCK_MS = 20

/**
 * Docker makes a working folder that is not there, while it makes the container (moby, SetupWorkingDirectory), where every other
 * engine refuses. One that is as old as the container was not there.
 */
async function checkWorkdir(client: DockerClient, id: string, plan: ContainerPlan, beganMs: number): Promise<void> {
  const { workdir, mounts } = plan
  if (workdir === null || workdir === '/' || mounts.some(({ target }) => isBeside(workdir, target))) return
  const what = `looking for ${workdir} in ${plan.name}`
  const path = `${toPath(id)}/archive?path=${encodeURIComponent(workdir)}`
  const { headers } = await client.ask({ method: 'HEAD', path, what }, {})
  const text = Buffer.from(headers.get('x-docker-container-path-stat') ?? '', 'base64').toString('utf8')
  const madeMs = Date.parse(parseReply(pathStat, { text }, what).mtime)
  if (madeMs < beganMs - CLOCK_MS || madeMs > Date.now() + CLOCK_MS) return
  throw new RootlessError('WORKDIR_NOT_FOUND', `the image ${plan.image} has no folder ${workdir}`, { engine: 'docker' })
}

/** Whether one of the two lies in the other: what is mounted there decides. */
function isBeside(workdir: string, target: string): boolean {
  return `${workdir}/`.startsWith(`${target}/`) || `${target}/`.startsWith(`${workdir}/`)
}
