import { RootlessError, type Call, type Networks, type Volumes } from '@rootless-runtime/core'
import * as z from 'zod'
import { parseReply, type DockerClient } from './docker-client.ts'

const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((record) => record ?? {})
const networkList = z.array(z.object({ Name: z.string(), Internal: z.boolean(), Labels: labels }))
const volumeList = z.object({
  Volumes: z
    .array(z.object({ Name: z.string(), Labels: labels }))
    .nullish()
    .transform((volumes) => volumes ?? []),
})

/** Networks that Docker always has: containers get them as `default`, `host` and `none`. */
const BUILT_IN: ReadonlySet<string> = new Set(['bridge', 'host', 'none'])

/** Docker's bridge networks. Containers on one find each other by name. */
export function createDockerNetworks(client: DockerClient): Networks {
  return {
    create: async (name, options = {}) => {
      // 20.10 makes a second network of the same name unless it is told to look.
      const json = { Name: name, CheckDuplicate: true, Internal: options.isolated ?? false, Labels: options.labels ?? {} }
      await client.work(
        { method: 'POST', path: '/networks/create', body: { json }, what: `creating the network ${name}` },
        options,
      )
    },
    list: async (call = {}) => {
      const what = 'listing networks'
      const found = parseReply(networkList, await client.ask({ method: 'GET', path: '/networks', what }, call), what)
      return found
        .filter(({ Name }) => !BUILT_IN.has(Name))
        .map(({ Name, Internal, Labels }) => ({ name: Name, isolated: Internal, labels: Labels }))
    },
    remove: async (name, call = {}) => {
      const path = `/networks/${encodeURIComponent(name)}`
      await client.work({ method: 'DELETE', path, what: `removing the network ${name}` }, call)
    },
  }
}

/** Docker's volumes. */
export function createDockerVolumes(client: DockerClient): Volumes {
  return {
    create: async (name, options = {}) => {
      // Docker answers 201 with the volume that is there already.
      if (await hasVolume(client, name, options)) {
        throw new RootlessError('NAME_IN_USE', `there is a volume ${name} already`, { engine: 'docker' })
      }
      const json = { Name: name, Labels: options.labels ?? {} }
      await client.work({ method: 'POST', path: '/volumes/create', body: { json }, what: `creating the volume ${name}` }, options)
    },
    list: async (call = {}) => {
      const what = 'listing volumes'
      const { Volumes } = parseReply(volumeList, await client.ask({ method: 'GET', path: '/volumes', what }, call), what)
      return Volumes.map(({ Name, Labels }) => ({ name: Name, labels: Labels }))
    },
    remove: async (name, call = {}) => {
      const path = `/volumes/${encodeURIComponent(name)}`
      await client.work({ method: 'DELETE', path, what: `removing the volume ${name}` }, call)
    },
  }
}

async function hasVolume(client: DockerClient, name: string, call: Call): Promise<boolean> {
  const path = `/volumes/${encodeURIComponent(name)}`
  const { statusCode } = await client.ask({ method: 'GET', path, what: `looking for the volume ${name}`, expected: [404] }, call)
  return statusCode === 200
}
