import type { Readable } from 'node:stream'
import type { Answer, FileStatus } from '@rootless-runtime/core'

/** What this package asks of the machine: a part of `Machine`, by shape. */
export interface ImageDoor {
  status(path: string): Promise<Answer<Pick<FileStatus, 'kind'>>>
  freeBytes(path: string): Promise<Answer<number>>
  readonly files: ImageFiles
}

/** The files that are made while an image is read. */
export interface ImageFiles {
  makeDirectory(path: string): Promise<void>
  makeTemporaryDirectory(parent: string, prefix: string): Promise<string>
  write(path: string, content: AsyncIterable<Uint8Array>): Promise<void>
  openRead(path: string, options?: { readonly startByte?: number }): Promise<Readable>
  remove(path: string): Promise<void>
}
