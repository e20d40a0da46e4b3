import { RootlessError, printable } from '@rootless-runtime/core'
import * as z from 'zod'
import { abortedError, throwIfAborted } from './invalid-image.ts'
import type { ImageReference } from './image-reference.ts'
import { parseJson, readJsonBytes } from './read-json.ts'

/** A name and a password, or a token in the place of one, as a registry wants them. */
export interface RegistryCredentials {
  readonly username: string
  readonly password: string
}

export interface RegistryOptions {
  /** Whether the registry is asked without TLS. */
  readonly insecure?: boolean
  readonly credentials?: RegistryCredentials
  readonly signal?: AbortSignal
}

/** One repository of a registry, by the OCI distribution specification. */
export interface Registry {
  /** @throws RootlessError `IMAGE_NOT_FOUND`, `ENGINE_REFUSED`, `ABORTED` */
  get(path: string, accept: readonly string[]): Promise<RegistryAnswer>
}

export interface RegistryAnswer {
  readonly body: AsyncIterable<Uint8Array>
  readonly contentType: string
}

const DOCKER_HUB = 'registry-1.docker.io'

const tokenDocument = z
  .object({ token: z.string().nullish(), access_token: z.string().nullish() })
  .transform((each) => each.token ?? each.access_token ?? '')

/** Creating it asks nothing. */
export function createRegistry(reference: ImageReference, options: RegistryOptions): Registry {
  const scheme = options.insecure === true ? 'http' : 'https'
  const host = reference.registry === 'docker.io' ? DOCKER_HUB : reference.registry
  const base = `${scheme}://${host}/v2/${reference.repository}/`
  let authorization: string | undefined
  return {
    async get(path, accept) {
      const ask = (): Promise<Response> => request(`${base}${path}`, { accept: accept.join(', '), authorization }, options)
      let response = await ask()
      if (response.status === 401 && authorization === undefined) {
        await response.body?.cancel()
        authorization = await authorize(response.headers.get('www-authenticate') ?? '', reference, options)
        response = await ask()
      }
      if (response.ok && response.body !== null) {
        return { body: bodyOf(response.body, reference, options.signal), contentType: response.headers.get('content-type') ?? '' }
      }
      await response.body?.cancel()
      throw toRefusal(response.status, reference)
    },
  }
}

/** The bytes; a connection that breaks off is the registry's failure, and not the image's. */
async function* bodyOf(
  body: AsyncIterable<Uint8Array>,
  reference: ImageReference,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    throwIfAborted(signal)
    throw new RootlessError('ENGINE_REFUSED', `the registry broke off in ${reference.text}: ${causeOf(error)}`, { cause: error })
  }
}

async function request(
  url: string,
  headers: Readonly<Record<string, string | undefined>>,
  options: RegistryOptions,
): Promise<Response> {
  const { signal, insecure } = options
  throwIfAborted(signal)
  const given = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, value]],
  )
  let response: Response
  try {
    response = await fetch(url, { headers: given, ...(signal === undefined ? {} : { signal }) })
  } catch (error) {
    if (signal?.aborted === true) throw abortedError(signal)
    throw new RootlessError('ENGINE_REFUSED', `the registry did not answer at ${printable(url)}: ${causeOf(error)}`, {
      cause: error,
    })
  }
  // fetch follows redirects by itself, and takes no authorization to another host.
  if (insecure === true || response.url.startsWith('https:')) return response
  await response.body?.cancel()
  throw new RootlessError('ENGINE_REFUSED', `the registry leads to ${printable(response.url)}, which is without TLS`)
}

/** What a `WWW-Authenticate` header asks for, as the value of `Authorization`. */
async function authorize(challenge: string, reference: ImageReference, options: RegistryOptions): Promise<string> {
  const { credentials } = options
  const basic =
    credentials === undefined
      ? undefined
      : `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
  if (/^basic\b/iu.test(challenge)) {
    if (basic === undefined) throw toRefusal(401, reference)
    return basic
  }
  const realm = parameterOf(challenge, 'realm')
  if (!/^bearer\b/iu.test(challenge) || realm === null || !URL.canParse(realm)) {
    throw new RootlessError('ENGINE_REFUSED', 'the registry asks for a login that is not known', {
      evidence: printable(challenge),
    })
  }
  const url = new URL(realm)
  if (url.protocol !== 'https:' && options.insecure !== true) {
    throw new RootlessError('ENGINE_REFUSED', `the registry wants a login without TLS, at ${printable(realm)}`)
  }
  const service = parameterOf(challenge, 'service')
  if (service !== null) url.searchParams.set('service', service)
  url.searchParams.set('scope', parameterOf(challenge, 'scope') ?? `repository:${reference.repository}:pull`)
  const response = await request(url.href, { authorization: basic }, options)
  if (!response.ok || response.body === null) {
    await response.body?.cancel()
    throw toRefusal(response.status, reference)
  }
  const where = 'the token of the registry'
  return `Bearer ${parseJson(await readJsonBytes(response.body, where), tokenDocument, where)}`
}

function parameterOf(challenge: string, name: string): string | null {
  return new RegExp(`\\b${name}="([^"]*)"`, 'iu').exec(challenge)?.[1] ?? null
}

/** Registries answer 401 and 403 for what does not exist too, so that nobody learns what does. */
function toRefusal(status: number, reference: ImageReference): RootlessError {
  if (status === 404) return new RootlessError('IMAGE_NOT_FOUND', `${reference.text} is not in the registry`)
  if (status === 401 || status === 403) {
    return new RootlessError('IMAGE_NOT_FOUND', `${reference.text} is not in the registry, or wants another login (${status})`)
  }
  return new RootlessError('ENGINE_REFUSED', `the registry answered ${status} for ${reference.text}`)
}

/** fetch says "fetch failed", and why in its cause. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return printable(code === '' ? String(cause) : code)
}
