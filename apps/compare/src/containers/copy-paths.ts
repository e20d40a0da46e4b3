import { invalidOption } from './invalid-option.ts'

/** One side of `rootless cp`. */
export type CopyPlace =
  | { readonly kind: 'container'; readonly container: string; readonly path: string }
  | { readonly kind: 'local'; readonly path: string }
  /** A tar stream on stdin or stdout. */
  | { readonly kind: 'stream' }

/** `CONTAINER:PATH`, `-`, or a path of this machine; one that holds a colon begins with `/` or `.`, as with Docker. */
export function parseCopyPlace(text: string): CopyPlace {
  if (text === '-') return { kind: 'stream' }
  const colon = text.indexOf(':')
  if (colon === -1 || text.startsWith('/') || text.startsWith('.')) return { kind: 'local', path: text }
  const container = text.slice(0, colon)
  const path = text.slice(colon + 1)
  if (container === '' || path === '') throw invalidOption('cp', text, 'CONTAINER:PATH')
  // A path inside is one from its root, as with Docker.
  return { kind: 'container', container, path: path.startsWith('/') ? path : `/${path}` }
}

/** The folder of a path and its last name, without slashes at the end. `/` and `..` have no name. */
export function splitPath(path: string): { readonly folder: string; readonly name: string } {
  const trimmed = path.replace(/\/+$/u, '')
  const slash = trimmed.lastIndexOf('/')
  const name = trimmed.slice(slash + 1)
  const folder = slash > 0 ? trimmed.slice(0, slash) : slash === 0 || trimmed === '' ? '/' : '.'
  return { folder, name: name === '.' || name === '..' ? '' : name }
}
