import type { Asked } from './podman-errors.ts'

/** Something to ask of Podman's API. */
export interface Question extends Asked {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** Below `/libpod`, with its query. */
  readonly path: string
  readonly json?: unknown
  readonly tar?: AsyncIterable<Uint8Array>
  /**
   * In place of the driver's; `null`: as long as it takes; `while-it-answers`: work that is waited for as long as Podman says, asked
   * beside it, that it is there. What sends a tar is such work.
   */
  readonly timeoutMs?: number | null | 'while-it-answers'
  /** The oldest version of the API that has the call; 3.0.0 unless told. Podman 3.0 to 5 answer to that one. */
  readonly root?: 'v3.0.0' | 'v4.0.0'
}
