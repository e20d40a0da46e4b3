import {
  isAtLeastVersion,
  printable,
  RootlessError,
  type Call,
  type Fix,
  type Networks,
  type Volumes,
} from '@rootless-runtime/core'
import * as z from 'zod'
import type { PodmanApi } from './podman-api.ts'
import { unreadableError } from './podman-errors.ts'

const labels = z.record(z.string(), z.string()).nullish()
const networks = z.array(z.object({ name: z.string(), internal: z.boolean(), labels }))
const made = z.object({ dns_enabled: z.boolean() })

const NAMES_FIX: Fix = {
  summary: 'install what resolves the names of containers for CNI',
  commands: [['apt-get', 'install', '--yes', 'golang-github-containernetworking-plugin-dnsname']],
  needsRoot: true,
  undo: 'apt-get remove golang-github-containernetworking-plugin-dnsname',
}

/** Before 4.0 the calls have another shape, and a rootless network needs an image of Podman's from the internet (3.0.1). */
export function hasNetworks(version: string): boolean {
  return isAtLeastVersion(version, 4, 0)
}

export function noSuchNetwork(name: string): RootlessError {
  return new RootlessError('NETWORK_NOT_FOUND', `there is no network ${printable(name)}: rootless ones need Podman 4.0`, {
    engine: 'podman',
  })
}

/** CNI without its plugin `dnsname` answers that names are resolved, and writes a network down in which they are not (4.3.1). */
async function checkNames(api: PodmanApi, name: string, call: Call): Promise<void> {
  const what = `inspect the network ${name}`
  const path = `/networks/${encodeURIComponent(name)}/json`
  const answer = made.safeParse(await api.ask({ root: 'v4.0.0', method: 'GET', path, what }, call))
  if (!answer.success) throw unreadableError(what, z.prettifyError(answer.error))
  if (answer.data.dns_enabled) return
  const why = 'Podman uses CNI, and its plugin dnsname, which resolves names of containers, is not there'
  throw new RootlessError('NOT_SUPPORTED', `create the network ${printable(name)}: ${why}`, {
    engine: 'podman',
    evidence: 'podman network inspect: dns_enabled = false',
    fix: NAMES_FIX,
  })
}

async function removeNetwork(api: PodmanApi, name: string, call: Call): Promise<void> {
  const path = `/networks/${encodeURIComponent(name)}`
  await api.ask({ root: 'v4.0.0', method: 'DELETE', path, what: `remove the network ${name}` }, call)
}

/** Networks of the bridge driver, in which names are resolved. */
export function createPodmanNetworks(api: PodmanApi): Networks {
  const check = async (): Promise<void> => {
    const found = await api.version()
    if (hasNetworks(found)) return
    throw new RootlessError('NOT_SUPPORTED', `rootless networks need Podman 4.0; this is ${found}`, { engine: 'podman' })
  }
  return {
    create: async (name, { isolated = false, labels: wanted = {}, ...call } = {}) => {
      await check()
      // Without it containers of two networks reach each other.
      const options = { isolate: 'true' }
      const json = { name, driver: 'bridge', internal: isolated, dns_enabled: true, labels: wanted, options }
      await api.ask({ root: 'v4.0.0', method: 'POST', path: '/networks/create', what: `create the network ${name}`, json }, call)
      try {
        await checkNames(api, name, call)
      } catch (error) {
        await removeNetwork(api, name, {})
        throw error
      }
    },
    list: async (call = {}) => {
      if (!hasNetworks(await api.version())) return []
      const what = 'list networks'
      const answer = networks.safeParse(await api.ask({ root: 'v4.0.0', method: 'GET', path: '/networks/json', what }, call))
      if (!answer.success) throw unreadableError(what, z.prettifyError(answer.error))
      return answer.data.map((each) => ({ name: each.name, isolated: each.internal, labels: each.labels ?? {} }))
    },
    remove: async (name, call = {}) => {
      if (!hasNetworks(await api.version())) throw noSuchNetwork(name)
      await removeNetwork(api, name, call)
    },
  }
}

const volumes = z.array(z.object({ Name: z.string(), Labels: labels }))

/** Named volumes of the local driver. */
export function createPodmanVolumes(api: PodmanApi): Volumes {
  return {
    create: async (name, { labels: wanted = {}, ...call } = {}) => {
      // `Label` is the field of 4.x, `Labels` that of the others.
      const json = { Name: name, Driver: 'local', Label: wanted, Labels: wanted }
      await api.ask({ method: 'POST', path: '/volumes/create', what: `create the volume ${name}`, json }, call)
    },
    list: async (call = {}) => {
      const what = 'list volumes'
      const answer = volumes.safeParse((await api.ask({ method: 'GET', path: '/volumes/json', what }, call)) ?? [])
      if (!answer.success) throw unreadableError(what, z.prettifyError(answer.error))
      return answer.data.map((each) => ({ name: each.Name, labels: each.Labels ?? {} }))
    },
    remove: async (name, call = {}) => {
      await api.ask({ method: 'DELETE', path: `/volumes/${encodeURIComponent(name)}`, what: `remove the volume ${name}` }, call)
    },
  }
}
