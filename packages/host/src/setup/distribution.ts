import { knownValue, printable, type Fact } from '@rootless-runtime/core'
import type { Distribution } from './setup-state.ts'

const SUPPORTED_DISTRIBUTIONS: ReadonlySet<string> = new Set(['debian', 'ubuntu'])

/** Whether packages have Debian's names here: Debian, Ubuntu, and what calls itself like one of them. */
export function isSupportedDistribution(distribution: Fact<Distribution>): boolean {
  const { id, idLike } = knownValue(distribution) ?? { id: '', idLike: [] }
  return [id, ...idLike].some((word) => SUPPORTED_DISTRIBUTIONS.has(word))
}

/** The fields of os-release(5) that setup needs; one that is missing is an empty text, as for testing, which has no VERSION_ID. */
export function parseDistribution(text: string): Distribution {
  const fields = new Map(
    text.split('\n').flatMap((line) => {
      const match = /^([A-Z_]+)=(["']?)(.*)\2$/u.exec(line.trim())
      return match === null ? [] : [[match[1] ?? '', printable(match[3] ?? '')] as const]
    }),
  )
  const field = (name: string): string => fields.get(name) ?? ''
  return {
    id: field('ID'),
    idLike: field('ID_LIKE')
      .split(/\s+/u)
      .filter((word) => word !== ''),
    versionId: field('VERSION_ID'),
    prettyName: field('PRETTY_NAME'),
  }
}
