import { printable, setupFix } from '@rootless-runtime/core'

export const SETUP_FIX = setupFix('install and start rootless Docker', 'docker')

/** What Node says when a request to a daemon breaks off, with what it means for a person. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['ECONNRESET', 'the connection was reset'],
  ['EPIPE', 'the connection was closed'],
  ['HPE_INVALID_CONSTANT', 'it does not speak HTTP'],
  ['HPE_INVALID_HEADER_TOKEN', 'it does not speak HTTP'],
  ['HPE_HEADER_OVERFLOW', 'its headers are too long'],
  ['ABORT_ERR', 'no answer within the time limit'],
])

/** Why a request did not come to an answer. */
export function describeBroken(error: unknown): string {
  if (!(error instanceof Error)) return printable(String(error))
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer within the time limit'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return WORDS.get(code) ?? printable(error.message)
}
