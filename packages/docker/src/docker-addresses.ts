import { printable, type Place, type System } from '@rootless-runtime/core'
import type { DockerContext } from './docker-contexts.ts'

const MAXIMUM_CONTEXTS = 32
const ROOTFUL_SOCKET = '/var/run/docker.sock'

/** Where a daemon may listen: a socket of this machine, or something that is none. */
export type DockerAddress =
  /** `own`: of this user, so that being denied there is no "no". */
  | { readonly kind: 'socket'; readonly name: string; readonly path: string; readonly own: boolean }
  | { readonly kind: 'other'; readonly place: Place }

/**
 * Every place where this user's Docker may be, the most wanted first: DOCKER_HOST, the contexts (the current one first), the
 * runtime folder, Docker Desktop's folders, and the system's socket. A socket that is named twice is asked once.
 */
export async function listAddresses(system: System): Promise<readonly DockerAddress[]> {
  const { environment, user } = system
  const host = environment['DOCKER_HOST']
  const runtimeDirectory = environment['XDG_RUNTIME_DIR'] ?? `/run/user/${user.uid}`
  const named = host === undefined || host === '' ? [] : [toAddress('DOCKER_HOST', host)]
  const known = [
    `${runtimeDirectory}/docker.sock`,
    `${user.homeDirectory}/.docker/run/docker.sock`,
    `${user.homeDirectory}/.docker/desktop/docker.sock`,
  ]
  const addresses: readonly DockerAddress[] = [
    ...named,
    ...(await listContexts(system)),
    ...known.map((path): DockerAddress => ({ kind: 'socket', name: printable(path), path, own: true })),
    { kind: 'socket', name: ROOTFUL_SOCKET, path: ROOTFUL_SOCKET, own: false },
  ]
  const seen = new Set<string>()
  return addresses.filter((address) => {
    if (address.kind === 'other') return true
    if (seen.has(address.path)) return false
    seen.add(address.path)
    return true
  })
}

function toAddress(name: string, host: string): DockerAddress {
  const path = /^unix:\/\/(\/.*)$/u.exec(host)?.[1]
  // ssh://name:password@host: nothing before the @ is shown.
  const shown = printable(host.replace(/\/\/[^@/]*@/u, '//'), 120)
  if (path !== undefined) return { kind: 'socket', name: `${name}: ${shown}`, path, own: path !== ROOTFUL_SOCKET }
  return { kind: 'other', place: { place: name, answer: `${shown} is no socket of this machine`, verdict: 'unusable' } }
}

async function listContexts(system: System): Promise<readonly DockerAddress[]> {
  const folder = system.environment['DOCKER_CONFIG'] ?? `${system.user.homeDirectory}/.docker`
  const [names, config] = await Promise.all([
    system.listDirectory(`${folder}/contexts/meta`),
    system.readText(`${folder}/config.json`),
  ])
  if (names.status === 'absent') return []
  if (names.status !== 'ok')
    return [{ kind: 'other', place: { place: 'docker contexts', answer: names.reason, verdict: 'unknown' } }]
  const { parseCurrentContext } = await import('./docker-contexts.ts')
  const current = system.environment['DOCKER_CONTEXT'] ?? (config.status === 'ok' ? parseCurrentContext(config.value) : undefined)
  const contexts = await Promise.all(
    names.value.slice(0, MAXIMUM_CONTEXTS).map((name) => readContext(system, `${folder}/contexts/meta/${name}/meta.json`)),
  )
  const isCurrent = (name: string): boolean => name === current
  return contexts
    .flat()
    .toSorted((left, right) => Number(isCurrent(right.name)) - Number(isCurrent(left.name)))
    .map(({ name, host }) => toAddress(`${isCurrent(name) ? 'current context' : 'context'} ${printable(name, 60)}`, host))
}

async function readContext(system: System, path: string): Promise<readonly DockerContext[]> {
  const text = await system.readText(path)
  const { parseContext } = await import('./docker-contexts.ts')
  const context = text.status === 'ok' ? parseContext(text.value) : undefined
  return context === undefined ? [] : [context]
}
