import { RootlessError, printable } from '@rootless-runtime/core'

/** A name of an image in full. */
export interface ImageReference {
  /** `docker.io`, or the registry with its port. */
  readonly registry: string
  /** Below the registry: `library/busybox`. */
  readonly repository: string
  /** `latest` when neither a tag nor a digest was given; `null` with a digest alone. */
  readonly tag: string | null
  /** `sha256:` and 64 digits. */
  readonly digest: string | null
  /** All of it: `docker.io/library/busybox:latest`. */
  readonly text: string
}

// The grammar of github.com/distribution/reference, which Docker and Podman share.
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/u
const DOMAIN =
  /^(?:\[[0-9a-fA-F:]+\]|(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*)(?::\d+)?$/u
const TAG = /^\w[\w.-]{0,127}$/u
const DIGEST = /^sha256:[0-9a-f]{64}$/u
const MAXIMUM_NAME = 255

/** A name as people type it, in full: `busybox` is `docker.io/library/busybox:latest`. @throws RootlessError `INVALID_ARGUMENT` */
export function parseImageReference(text: string): ImageReference {
  const refuse = (reason: string): never => {
    throw new RootlessError('INVALID_ARGUMENT', `${JSON.stringify(printable(text, 120))} is no name of an image: ${reason}`)
  }
  if (text.length > MAXIMUM_NAME + 1 + 128 + 1 + 71) return refuse('it is too long')
  const at = text.indexOf('@')
  const digest = at === -1 ? null : text.slice(at + 1)
  if (digest !== null && !DIGEST.test(digest)) return refuse('its digest is not sha256 with 64 digits')
  const named = at === -1 ? text : text.slice(0, at)
  const colon = named.lastIndexOf(':')
  const hasTag = colon > named.lastIndexOf('/')
  const tag = hasTag ? named.slice(colon + 1) : digest === null ? 'latest' : null
  if (tag !== null && !TAG.test(tag)) return refuse('its tag may hold letters, digits, "_", "." and "-", up to 128')
  const name = hasTag ? named.slice(0, colon) : named
  if (/^[0-9a-f]{64}$/u.test(name)) return refuse('64 hexadecimal digits are an id')
  const { registry, repository } = splitName(name)
  if (!DOMAIN.test(registry)) return refuse('its registry is no host')
  if (repository.length === 0 || !repository.split('/').every((part) => COMPONENT.test(part))) {
    return refuse('it may hold small letters, digits and separators between them')
  }
  if (registry.length + repository.length + 1 > MAXIMUM_NAME) return refuse('it is too long')
  const end = `${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`
  return { registry, repository, tag, digest, text: `${registry}/${repository}${end}` }
}

/** The first part is a registry when it has a dot or a port, or is `localhost`, or has a capital letter. */
function splitName(name: string): { readonly registry: string; readonly repository: string } {
  const slash = name.indexOf('/')
  const first = slash === -1 ? '' : name.slice(0, slash)
  const isRegistry = first === 'localhost' || /[.:]/u.test(first) || first !== first.toLowerCase()
  const registry = isRegistry && first !== 'index.docker.io' ? first : 'docker.io'
  const rest = isRegistry ? name.slice(slash + 1) : name
  return { registry, repository: registry === 'docker.io' && !rest.includes('/') ? `library/${rest}` : rest }
}
