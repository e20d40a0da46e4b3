export {
  DEFAULT_LIMITS,
  MAXIMUM_LAYERS,
  type ArchivedImage,
  type ArchivedLayer,
  type ImageArchive,
  type ImageLimits,
  type ImagePlatform,
  type OpenImageOptions,
  type RootFileSystemConfig,
} from './image-archive.ts'
export type { ImageDoor, ImageFiles } from './image-door.ts'
export { openImageArchive } from './open-image-archive.ts'
export { writeDockerArchive, type WriteArchiveOptions } from './write-docker-archive.ts'
export { flattenLayers, type FlattenOptions } from './flatten-layers.ts'
export { parseImageReference, type ImageReference } from './image-reference.ts'
export { pullImage, type PullImageOptions } from './pull-image.ts'
export type { RegistryCredentials } from './registry-client.ts'
export { encodeTarHeader, tarEnd, tarPadding, type TarOutput } from './tar-encoder.ts'
export { TarScanner, type TarEntry, type TarScannerOptions } from './tar-scanner.ts'
