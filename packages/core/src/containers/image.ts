import type { Readable } from 'node:stream'
import type { Call } from './container.ts'

/** The images of one engine. */
export interface Images {
  /**
   * Loads a `docker save` archive, an OCI archive or layout, or a plain root file system as tar; plain, gzip or zstd. It is
   * checked before the engine sees it.
   *
   * @throws RootlessError `IMAGE_INVALID` that names the entry and the reason; nothing is loaded then.
   */
  load(source: ImageSource, options?: LoadOptions): Promise<readonly Image[]>
  /** @throws RootlessError `IMAGE_NOT_FOUND`, `ENGINE_REFUSED` */
  pull(reference: string, options?: PullOptions): Promise<Image>
  list(call?: Call): Promise<readonly Image[]>
  /** @throws RootlessError `IMAGE_NOT_FOUND` */
  inspect(referenceOrId: string, call?: Call): Promise<Image>
  /** Removes a reference, and the image when it was the last. @throws RootlessError `IMAGE_NOT_FOUND`, `IMAGE_IN_USE` */
  remove(referenceOrId: string, call?: Call): Promise<void>
  /** A `docker save` archive. */
  export(referenceOrId: string, call?: Call): Promise<Readable>
}

/** A path of the host, or the bytes. */
export type ImageSource = string | AsyncIterable<Uint8Array>

/** How an archive is loaded. */
export interface LoadOptions extends Call {
  /** A name for the one image of the archive, beside those that it has. */
  readonly reference?: string
  /** What a plain root file system runs. */
  readonly config?: Partial<Pick<ImageConfig, 'entrypoint' | 'command' | 'environment' | 'workdir' | 'user'>>
  readonly onProgress?: (progress: ImageProgress) => void
}

/** How an image is fetched from a registry. */
export interface PullOptions extends Call {
  readonly onProgress?: (progress: ImageProgress) => void
  /** Whether the registry may be asked without TLS. */
  readonly insecure?: boolean
}

/** How far loading or pulling is. */
export interface ImageProgress {
  readonly phase: 'reading' | 'checking' | 'loading' | 'pulling'
  readonly bytes: number
  /** `null` when nobody can tell. */
  readonly totalBytes: number | null
}

/** An image that the engine has. */
export interface Image {
  /** `sha256:` and the digest of its configuration: the same on every engine. */
  readonly id: string
  /** In full: `docker.io/library/busybox:latest`. */
  readonly references: readonly string[]
  readonly config: ImageConfig
  /** As the engine counts it; `null` when it does not. */
  readonly sizeBytes: number | null
}

/** What a container gets from its image unless told. */
export interface ImageConfig {
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly user: string
  /** `/` when the image has none. */
  readonly workdir: string
  /** As `80/tcp`. */
  readonly ports: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly volumes: readonly string[]
  readonly stopSignal: string | null
  readonly architecture: string
  readonly os: string
  readonly createdAt: string | null
}
