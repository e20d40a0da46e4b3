import { parseImageReference } from '@rootless-runtime/image'
import type { Image } from '@rootless-runtime/core'
import * as z from 'zod'

const words = z.array(z.string()).nullish()
const keys = z.record(z.string(), z.unknown()).nullish()

/** The fields that we read of `GET /images/{name}/json`. */
export const imageInspect = z.object({
  Id: z.string(),
  RepoTags: words,
  Size: z.number().optional(),
  Architecture: z.string(),
  Os: z.string(),
  Created: z.string().nullish(),
  Config: z
    .object({
      Entrypoint: words,
      Cmd: words,
      Env: words,
      User: z.string().nullish(),
      WorkingDir: z.string().nullish(),
      ExposedPorts: keys,
      Labels: z.record(z.string(), z.string()).nullish(),
      Volumes: keys,
      StopSignal: z.string().nullish(),
    })
    .nullish(),
})

/** What Docker says of an image. */
export function toImage(inspect: z.infer<typeof imageInspect>): Image {
  const config = inspect.Config ?? {}
  return {
    id: inspect.Id,
    references: (inspect.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>').map((tag) => parseImageReference(tag).text),
    sizeBytes: inspect.Size ?? null,
    config: {
      entrypoint: config.Entrypoint ?? [],
      command: config.Cmd ?? [],
      environment: Object.fromEntries((config.Env ?? []).map(splitVariable)),
      user: config.User ?? '',
      workdir: config.WorkingDir || '/',
      ports: Object.keys(config.ExposedPorts ?? {}),
      labels: config.Labels ?? {},
      volumes: Object.keys(config.Volumes ?? {}),
      stopSignal: config.StopSignal || null,
      architecture: inspect.Architecture,
      os: inspect.Os,
      createdAt: inspect.Created ?? null,
    },
  }
}

function splitVariable(line: string): readonly [string, string] {
  const equals = line.indexOf('=')
  return equals === -1 ? [line, ''] : [line.slice(0, equals), line.slice(equals + 1)]
}
