import { printable, type ContainerState, type EngineName, type Image, type PublishedPort } from 'rootless-runtime'
import { renderAge, renderBytes, renderColumns } from './columns.ts'
import type { Style } from './style.ts'

const LONGEST_COMMAND_CHARACTERS = 30

/** A container, and whose it is. */
export interface ListedContainer extends ContainerState {
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
    printable(container.command.join(' '), LONGEST_COMMAND_CHARACTERS),
    describeState(container, now),
    container.ports.map(describePort).join(', '),
  ])
  return renderColumns(['ENGINE', 'ID', 'NAME', 'IMAGE', 'COMMAND', 'STATUS', 'PORTS'], rows, style)
}

function describeState({ status, exitCode, createdAt, startedAt, endedAt }: ContainerState, now: Date): string {
  const since = (then: Date | null): string => (then === null ? '' : ` ${renderAge(then, now)}`)
  switch (status) {
    case 'created':
      return `created${since(createdAt)} ago`
    case 'running':
      return `up${since(startedAt)}`
    case 'paused':
      return `paused, up${since(startedAt)}`
    case 'ended':
      return `ended (${exitCode ?? '?'})${endedAt === null ? '' : `${since(endedAt)} ago`}`
  }
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
