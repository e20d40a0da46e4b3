import { printable, type ContainerSummary, type EngineName, type Image, type PublishedPort } from 'rootless-runtime'
import { renderAge, renderBytes, renderColumns } from './columns.ts'
import type { Style } from './style.ts'

const LONGEST_COMMAND_CHARACTERS = 30

/** A container, and whose it is. */
export interface ListedContainer extends ContainerSummary {
  readonly engine: EngineName
}

/** An image, and whose it is. */
export interface ListedImage extends Image {
  readonly engine: EngineName
}

export function renderContainers(containers: readonly ListedContainer[], style: Style, now: Date): string {
  const rows = containers.map((container) => [
    container.engine,
    toShortId(container.id),
    printable(container.name, 60),
    printable(container.image, 60),
    printable(container.commandLine, LONGEST_COMMAND_CHARACTERS),
    `${renderAge(container.createdAt, now)} ago`,
    describeStatus(container),
    container.ports.map(describePort).join(', '),
  ])
  return renderColumns(['ENGINE', 'ID', 'NAME', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS'], rows, style)
}

function describeStatus({ status, exitCode }: ContainerSummary): string {
  return status === 'ended' ? `ended (${exitCode ?? '?'})` : status
}

export function describePort({ address, host, container, protocol }: PublishedPort): string {
  return `${address.includes(':') ? `[${address}]` : address}:${host}->${container}/${protocol}`
}

export function toShortId(id: string): string {
  const short = /^(?:sha256:)?([0-9a-f]{12})[0-9a-f]*$/u.exec(id)?.[1]
  return short ?? printable(id, 40)
}

export function renderImages(images: readonly ListedImage[], style: Style): string {
  const rows = images.flatMap(({ engine, id, references, sizeBytes }) => {
    const names = references.length === 0 ? ['<none>'] : references
    return names.map((name) => [
      engine,
      toShortId(id),
      sizeBytes === null ? 'unknown' : renderBytes(sizeBytes),
      printable(name, 120),
    ])
  })
  return renderColumns(['ENGINE', 'ID', 'SIZE', 'IMAGE'], rows, style)
}
