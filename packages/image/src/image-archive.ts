import type { ImageConfig, ImageProgress } from '@rootless-runtime/core'
import type { ImageDoor } from './image-door.ts'

/** One image, read and checked; its layers lie unpacked in the spool folder. */
export interface ArchivedImage {
  /** `sha256:` and the digest of the configuration: what Docker and Podman call it after they loaded it. */
  readonly id: string
  /** In full: `docker.io/library/busybox:latest`. */
  readonly references: readonly string[]
  readonly config: ImageConfig
  /** The configuration as it stands in the archive. */
  readonly configJson: Uint8Array
  /** From the lowest to the highest. */
  readonly layers: readonly ArchivedLayer[]
}

export interface ArchivedLayer {
  /** `sha256:` and the digest of the tar. */
  readonly diffId: string
  /** A tar that is not compressed, in the spool folder. */
  readonly path: string
  readonly sizeBytes: number
}

/** The images of an archive. Disposing removes what was spooled, and with it every `path`. */
export interface ImageArchive extends AsyncDisposable {
  readonly images: readonly ArchivedImage[]
}

/** What an image is for; in Docker's words, as `linux` and `amd64`. */
export interface ImagePlatform {
  readonly os: string
  readonly architecture: string
}

/** What a plain root file system runs, as it knows nothing of it itself. */
export type RootFileSystemConfig = Partial<Pick<ImageConfig, 'entrypoint' | 'command' | 'environment' | 'workdir' | 'user'>>

/** How much is read before an archive is refused. */
export interface ImageLimits {
  /** Of all layers, unpacked, and of the archive itself; 16 GiB unless told. Never more than the spool folder has free. */
  readonly maximumBytes: number
  /** Of one tar, and paths of one image; a million unless told. */
  readonly maximumEntries: number
  /** How many bytes one compressed byte may become; 200 unless told. */
  readonly maximumRatio: number
  /** What may come out before the ratio counts; 256 MiB unless told. */
  readonly ratioFloorBytes: number
}

export interface OpenImageOptions {
  readonly door: ImageDoor
  /** A folder that exists; a folder of our own is made in it. */
  readonly spoolFolder: string
  /** A name for the one image of the archive, beside those that it has. */
  readonly reference?: string
  readonly config?: RootFileSystemConfig
  /** This machine's unless told. */
  readonly platform?: ImagePlatform
  readonly limits?: Partial<ImageLimits>
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: ImageProgress) => void
}

/** As many layers as Docker's overlay2 mounts. */
export const MAXIMUM_LAYERS = 127

export const DEFAULT_LIMITS: ImageLimits = {
  maximumBytes: 16 * 1024 ** 3,
  maximumEntries: 1_000_000,
  maximumRatio: 200,
  ratioFloorBytes: 256 * 1024 ** 2,
}

/** What a step of reading needs of the whole. */
export interface ReadingContext {
  readonly door: ImageDoor
  /** Our folder in the spool folder. */
  readonly folder: string
  readonly limits: ImageLimits
  readonly platform: ImagePlatform
  readonly signal: AbortSignal | undefined
  /** Counts bytes that are about to be written. @throws RootlessError `IMAGE_INVALID`, `HOST_REFUSED` */
  spend(on: 'archive' | 'layers', bytes: number): void
  /** Counts bytes that a phase has done. */
  report(phase: ImageProgress['phase'], bytes: number, totalBytes?: number | null): void
  /** Tells the last of every phase: it is not told of every byte. */
  reportRest(): void
}
