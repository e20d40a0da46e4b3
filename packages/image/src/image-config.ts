import { createHash } from 'node:crypto'
import type { ImageConfig } from '@rootless-runtime/core'
import * as z from 'zod'
import type { ImagePlatform, RootFileSystemConfig } from './image-archive.ts'
import { invalidImage } from './invalid-image.ts'
import { parseJson } from './read-json.ts'

/** What an image's configuration says, and the layers that it is made of. */
export interface ParsedConfig {
  readonly config: ImageConfig
  readonly diffIds: readonly string[]
}

export const DIGEST = /^sha256:[0-9a-f]{64}$/u

const words = z
  .union([z.array(z.string()), z.string().transform((word) => [word])])
  .nullish()
  .transform((list) => list ?? [])
const keys = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((record) => Object.keys(record ?? {}))
const textOrNone = z
  .string()
  .nullish()
  .transform((value) => value ?? '')

const runSettings = z.object({
  Entrypoint: words,
  Cmd: words,
  Env: words,
  User: textOrNone,
  WorkingDir: textOrNone,
  ExposedPorts: keys,
  Volumes: keys,
  Labels: z.record(z.string(), z.string()).nullish(),
  StopSignal: z.string().nullish(),
})

const imageDocument = z.object({
  architecture: textOrNone,
  os: textOrNone,
  created: z.string().nullish(),
  config: runSettings.nullish(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(z.string().regex(DIGEST)).nullish() }),
})

/** @throws RootlessError `IMAGE_INVALID` */
export function parseImageConfig(bytes: Buffer, where: string): ParsedConfig {
  const document = parseJson(bytes, imageDocument, where)
  const settings = document.config ?? runSettings.parse({})
  return {
    diffIds: document.rootfs.diff_ids ?? [],
    config: {
      entrypoint: settings.Entrypoint,
      command: settings.Cmd,
      environment: parseEnvironment(settings.Env),
      user: settings.User,
      workdir: settings.WorkingDir === '' ? '/' : settings.WorkingDir,
      ports: settings.ExposedPorts.map((port) => (port.includes('/') ? port : `${port}/tcp`)),
      labels: settings.Labels ?? {},
      volumes: settings.Volumes,
      stopSignal: settings.StopSignal === '' ? null : (settings.StopSignal ?? null),
      architecture: document.architecture,
      os: document.os,
      createdAt: document.created ?? null,
    },
  }
}

/** @throws RootlessError `IMAGE_INVALID` when the image is for another machine. One that does not say fits. */
export function checkPlatform(config: ImageConfig, platform: ImagePlatform, where: string): void {
  if (isSaid(config.os, platform.os) && isSaid(config.architecture, platform.architecture)) return
  throw invalidImage(
    where,
    `is for ${config.os || 'linux'}/${config.architecture || platform.architecture}, and ${platform.os}/${platform.architecture} was asked for`,
  )
}

function isSaid(said: string, wanted: string): boolean {
  return said === '' || said === wanted
}

/**
 * The configuration of a plain root file system. The same tar and the same words give the same bytes, and so the same id on every
 * engine: there is no clock in it.
 */
export function buildRootFileSystemConfig(diffId: string, given: RootFileSystemConfig, platform: ImagePlatform): Buffer {
  const created = '1970-01-01T00:00:00Z'
  const environment = Object.entries(given.environment ?? {}).map(([name, value]) => `${name}=${value}`)
  const config = {
    ...(given.command === undefined ? {} : { Cmd: given.command }),
    ...(given.entrypoint === undefined ? {} : { Entrypoint: given.entrypoint }),
    ...(environment.length === 0 ? {} : { Env: environment }),
    ...(given.user === undefined ? {} : { User: given.user }),
    ...(given.workdir === undefined ? {} : { WorkingDir: given.workdir }),
  }
  return Buffer.from(
    JSON.stringify({
      architecture: platform.architecture,
      config,
      created,
      history: [{ created, created_by: 'a root file system as tar' }],
      os: platform.os,
      rootfs: { type: 'layers', diff_ids: [diffId] },
    }),
  )
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function parseEnvironment(list: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    list.map((each) => {
      const equals = each.indexOf('=')
      return equals === -1 ? [each, ''] : [each.slice(0, equals), each.slice(equals + 1)]
    }),
  )
}
