import { printable } from '@rootless-runtime/core'
import * as z from 'zod'
import type { Connection } from './podman-connections.ts'

// zod compiles a schema for its second use; an engine is asked once.
const ONCE = { jitless: true }

// What a version of Podman does not report stays absent: 4.3.1 has no rootlessNetworkCmd, and that is no "pasta".
const podmanInfo = z.object({
  host: z.object({
    cgroupVersion: z.string(),
    cgroupManager: z.string(),
    cgroupControllers: z.array(z.string()).nullable().optional(),
    rootlessNetworkCmd: z.string().optional(),
    serviceIsRemote: z.boolean().optional(),
    ociRuntime: z.object({ name: z.string(), version: z.string().optional() }),
    security: z.object({ rootless: z.boolean() }),
  }),
  store: z.object({
    graphDriverName: z.string(),
    graphRoot: z.string(),
    graphOptions: z.record(z.string(), z.unknown()).nullable(),
    graphStatus: z.record(z.string(), z.string()).nullable(),
  }),
  version: z.object({ Version: z.string().regex(/^\d+\.\d+/u) }),
})

/** The fields that we read of `podman info --format json`. Words are Podman's own, made safe to show. */
export interface PodmanInfo {
  readonly version: string
  readonly rootless: boolean
  readonly remote: boolean
  readonly cgroupVersion: string
  readonly cgroupManager: string
  /** `undefined` when not reported. */
  readonly cgroupControllers: readonly string[] | undefined
  readonly networkCommand: string | undefined
  readonly ociRuntime: string
  /** Empty when it does not say. */
  readonly ociRuntimeVersion: string
  readonly graphDriver: string
  readonly graphRoot: string
  /** Whether a program mounts the overlay in place of the kernel. */
  readonly mountProgram: boolean
}

export type ParsedInfo = { readonly ok: true; readonly info: PodmanInfo } | { readonly ok: false; readonly reason: string }

/** Reads what `podman info --format json` printed, which may be anything. */
export function parsePodmanInfo(text: string): ParsedInfo {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { ok: false, reason: `podman info printed no JSON: ${printable(JSON.stringify(text.slice(0, 80)))}` }
  }
  const parsed = podmanInfo.safeParse(json, ONCE)
  if (!parsed.success)
    return { ok: false, reason: `podman info lacks what Podman prints: ${printable(z.prettifyError(parsed.error))}` }
  const { host, store, version } = parsed.data
  return {
    ok: true,
    info: {
      version: word(version.Version),
      rootless: host.security.rootless,
      remote: host.serviceIsRemote ?? false,
      cgroupVersion: word(host.cgroupVersion),
      cgroupManager: word(host.cgroupManager),
      cgroupControllers: host.cgroupControllers === undefined ? undefined : (host.cgroupControllers ?? []).slice(0, 64).map(word),
      networkCommand: host.rootlessNetworkCmd === undefined ? undefined : word(host.rootlessNetworkCmd),
      ociRuntime: word(host.ociRuntime.name),
      // `crun version 1.8.1`, `runc version 1.1.5+ds1`, and more lines.
      ociRuntimeVersion: word(/\bversion:? (\S+)/u.exec(host.ociRuntime.version ?? '')?.[1] ?? ''),
      graphDriver: word(store.graphDriverName),
      graphRoot: store.graphRoot,
      mountProgram: Object.hasOwn(store.graphOptions ?? {}, 'overlay.mount_program'),
    },
  }
}

function word(foreign: string): string {
  return printable(foreign, 80)
}

const connectionsFile = z.object({ Connection: z.object({ Connections: z.record(z.string(), z.object({ URI: z.string() })) }) })

/** `podman-connections.json` of Podman 5.0 and later; nothing of what is no such file. */
export function parseConnectionsJson(text: string): readonly Connection[] {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return []
  }
  const parsed = connectionsFile.safeParse(json, ONCE)
  return parsed.success ? Object.entries(parsed.data.Connection.Connections).map(([name, { URI }]) => ({ name, uri: URI })) : []
}
