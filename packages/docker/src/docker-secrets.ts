import { encodeTarHeader, tarEnd, tarPadding } from '@rootless-runtime/image'
import { SECRETS_TARGET, type ContainerPlan, type LimitPlan } from '@rootless-runtime/core'
import * as z from 'zod'
import { parseReply, type DockerClient } from './docker-client.ts'
import { toCreateBody } from './docker-create-body.ts'
import { toPath, type DockerPlace } from './docker-lifecycle.ts'
import { findUid, isRoot } from './docker-user.ts'

const created = z.object({ Id: z.string() })

const NO_LIMITS: LimitPlan = { memoryBytes: null, swapBytes: null, cpus: null, pids: null, cpuset: null, ioWeight: null }

/**
 * A folder with the secrets of a container, which its user alone can read; `null` without any. Only root inside is the caller
 * outside. For another user Docker makes the files, as one of the ids that only it can give: through a container of the same
 * image that is never started and has the folder for writing, where the real one has it for reading.
 */
export async function placeSecrets({ client, secrets }: DockerPlace, plan: ContainerPlan, user: string): Promise<string | null> {
  if (Object.keys(plan.secrets).length === 0) return null
  if (isRoot(user)) return await secrets.make(plan.secrets, 0o400)
  const folder = await secrets.makeEmpty()
  try {
    await fillFolder(client, plan, user, folder)
    return folder
  } catch (error) {
    await secrets.remove(folder)
    throw error
  }
}

async function fillFolder(client: DockerClient, plan: ContainerPlan, user: string, folder: string): Promise<void> {
  const what = `putting secrets in ${plan.name}`
  const path = `/containers/create?name=${encodeURIComponent(`${plan.name}.secrets`)}`
  const reply = await client.work({ method: 'POST', path, body: { json: toHelperBody(plan, folder) }, what }, {})
  const { Id } = parseReply(created, reply, what)
  try {
    const uid = await findUid(client, Id, user)
    const target = `${toPath(Id)}/archive?path=${encodeURIComponent(SECRETS_TARGET)}`
    await client.work({ method: 'PUT', path: target, body: { tar: packSecrets(plan.secrets, uid) }, what }, {})
  } finally {
    await client.work({ method: 'DELETE', path: `${toPath(Id)}?v=1`, what }, {})
  }
}

/** Labelled as the container that it helps: a sweep finds it when this process dies meanwhile. */
function toHelperBody(plan: ContainerPlan, folder: string): Readonly<Record<string, unknown>> {
  const bare: ContainerPlan = {
    ...plan,
    entrypoint: ['/never-started'],
    command: null,
    environment: {},
    workdir: null,
    limits: NO_LIMITS,
    ports: [],
    network: 'none',
    mounts: [{ source: folder, target: SECRETS_TARGET, access: 'rw' }],
  }
  return toCreateBody(bare, null)
}

async function* packSecrets(secrets: ContainerPlan['secrets'], uid: number): AsyncGenerator<Uint8Array> {
  for (const [name, content] of Object.entries(secrets)) {
    const sizeBytes = content.length
    yield encodeTarHeader({ kind: 'file', name: Buffer.from(name).toString('latin1'), mode: 0o400, uid, gid: 0, sizeBytes })
    yield content
    yield tarPadding(sizeBytes)
  }
  yield tarEnd()
}
