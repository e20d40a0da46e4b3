import { readdir, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { RootlessError } from '@rootless-runtime/core'
import { pullImage, type ImageArchive, type PullImageOptions } from '../src/index.ts'
import { AMD64, configOf, door, makeFolder, sha256, tarOf } from './image-fixtures.ts'

export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
export const INDEX = 'application/vnd.oci.image.index.v1+json'
export const LAYER = tarOf({ name: 'bin/sh', content: 'shell' })
export const PACKED = gzipSync(LAYER)

interface Stored {
  readonly type: string
  readonly content: Buffer
}

/** Whether it answered itself. */
export type Answering = (request: IncomingMessage, response: ServerResponse) => boolean

/** A registry on 127.0.0.1 with one repository, `team/app`, and a spool folder to pull into. */
export class TestRegistry implements AsyncDisposable {
  readonly asked: string[] = []
  answerBefore: Answering | undefined
  address = ''
  spool = ''
  readonly #stored = new Map<string, Stored>()
  readonly #server = createServer((request, response) => {
    this.asked.push(request.url ?? '')
    if (this.answerBefore?.(request, response) === true) return
    const found = this.#stored.get(request.url ?? '')
    if (found === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': found.type }).end(found.content)
  })

  async listen(): Promise<this> {
    this.spool = await makeFolder()
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    this.address = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
    return this
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await rm(this.spool, { recursive: true, force: true })
  }

  store(path: string, content: Buffer, type = 'application/octet-stream'): string {
    this.#stored.set(`/v2/team/app/${path}`, { type, content })
    return `sha256:${sha256(content)}`
  }

  storeManifest(tag: string, architecture = 'amd64'): string {
    const config = this.#storeBlob(configOf([LAYER], { architecture }))
    const content = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [this.#storeBlob(PACKED)] }))
    this.store(`manifests/${tag}`, content, MANIFEST)
    return this.store(`manifests/sha256:${sha256(content)}`, content, MANIFEST)
  }

  storeIndex(tag: string, architectures: readonly string[]): void {
    const manifests = architectures.map((architecture) => ({
      mediaType: MANIFEST,
      digest: this.storeManifest('part', architecture),
      platform: { os: 'linux', architecture },
    }))
    this.store(`manifests/${tag}`, Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })), INDEX)
  }

  #storeBlob(content: Buffer): object {
    this.store(`blobs/sha256:${sha256(content)}`, content)
    return { digest: `sha256:${sha256(content)}`, size: content.length }
  }

  async pull(name: string, options: Partial<PullImageOptions> = {}): Promise<ImageArchive> {
    const given = { door, spoolFolder: this.spool, platform: AMD64, insecure: true, ...options }
    return await pullImage(`${this.address}/${name}`, given)
  }

  /** Why a pull is refused; nothing may be left then. */
  async refusalOf(name: string, options: Partial<PullImageOptions> = {}): Promise<RootlessError> {
    const error: unknown = await this.pull(name, options).then(
      () => new Error('it was pulled'),
      (reason: unknown) => reason,
    )
    const left = await readdir(this.spool)
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`)
    if (error instanceof RootlessError) return error
    throw error
  }
}
