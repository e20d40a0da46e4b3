import { invalidImage } from './invalid-image.ts'

/** What is at a path of the merged tree. */
export const NODE = { removed: 0, directory: 1, file: 2, symlink: 3 } as const
export type NodeKind = (typeof NODE)[keyof typeof NODE]

export const ROOT = 0
export const NONE = -1
/** Of names and links together: a million of 33 bytes each. */
const MAXIMUM_TEXT_BYTES = 32 * 1024 * 1024
/** More than a name and a link ever have. */
const PAGE_BYTES = 256 * 1024
const FIRST_CAPACITY = 1024
const NUMBERS_PER_NODE = 4
const BYTES_PER_NODE = 3

/**
 * The nodes of a tree in typed arrays: a million of them take about 60 MB, where a `Map` of strings takes 200. A node never moves
 * and is never freed; one that is removed is marked, and its name leads to its successor.
 */
export class NodeTable {
  count = 0
  #capacity = FIRST_CAPACITY
  /** Per node: parent, entry, start of its text, lengths of name and link. */
  #numbers = new Int32Array(FIRST_CAPACITY * NUMBERS_PER_NODE)
  /** Per node: kind, layer, opaque. */
  #bytes = new Uint8Array(FIRST_CAPACITY * BYTES_PER_NODE)
  #slots = new Int32Array(FIRST_CAPACITY * 2).fill(NONE)
  /** Pages, of which none grows: copying into a larger one would need both at once. */
  readonly #pages: Buffer[] = []
  #textLength = 0

  constructor() {
    this.add(NONE, '', NODE.directory, '')
  }

  add(parent: number, name: string, kind: NodeKind, link: string): number {
    if (this.count === this.#capacity) this.#grow()
    const node = this.count
    const start = this.#addText(name, link)
    this.#numbers.set([parent, NONE, start, name.length | (link.length << 8)], node * NUMBERS_PER_NODE)
    this.#bytes.set([kind, 0, 0], node * BYTES_PER_NODE)
    this.count += 1
    this.#slots[this.#slotOf(parent, name)] = node
    return node
  }

  /** The node that was added last under this name. */
  find(parent: number, name: string): number {
    return this.#slots[this.#slotOf(parent, name)] ?? NONE
  }

  parent(node: number): number {
    return this.#number(node, 0)
  }

  name(node: number): string {
    return this.#textAt(this.#number(node, 2), this.#nameLength(node))
  }

  link(node: number): string {
    return this.#textAt(this.#number(node, 2) + this.#nameLength(node), this.#number(node, 3) >>> 8)
  }

  kind(node: number): NodeKind {
    return toNodeKind(this.#byte(node, 0))
  }

  setKind(node: number, kind: NodeKind): void {
    this.#bytes[node * BYTES_PER_NODE] = kind
  }

  /** The number of the entry that it came from; `NONE` for a folder that is only on the way of others. */
  entry(node: number): number {
    return this.#number(node, 1)
  }

  setEntry(node: number, entry: number): void {
    this.#numbers[node * NUMBERS_PER_NODE + 1] = entry
  }

  /** The last layer that had it. */
  layer(node: number): number {
    return this.#byte(node, 1)
  }

  setLayer(node: number, layer: number): void {
    this.#bytes[node * BYTES_PER_NODE + 1] = layer
  }

  /** What is below it from layers before this one is hidden. */
  opaque(node: number): number {
    return this.#byte(node, 2)
  }

  setOpaque(node: number, layer: number): void {
    this.#bytes[node * BYTES_PER_NODE + 2] = layer
  }

  #number(node: number, field: number): number {
    return this.#numbers[node * NUMBERS_PER_NODE + field] ?? NONE
  }

  #byte(node: number, field: number): number {
    return this.#bytes[node * BYTES_PER_NODE + field] ?? 0
  }

  #nameLength(node: number): number {
    return this.#number(node, 3) & 0xff
  }

  #hasName(node: number, parent: number, name: string): boolean {
    if (this.#number(node, 0) !== parent || this.#nameLength(node) !== name.length) return false
    const text = this.#number(node, 2)
    const page = this.#pages[Math.floor(text / PAGE_BYTES)]
    const start = text % PAGE_BYTES
    for (let index = 0; index < name.length; index += 1) if (page?.[start + index] !== name.charCodeAt(index)) return false
    return true
  }

  /** The slot of a name, or the empty one where it belongs. */
  #slotOf(parent: number, name: string): number {
    const mask = this.#slots.length - 1
    let slot = hash(parent, name) & mask
    for (let node = this.#slots[slot] ?? NONE; node !== NONE; node = this.#slots[slot] ?? NONE) {
      if (this.#hasName(node, parent, name)) return slot
      slot = (slot + 1) & mask
    }
    return slot
  }

  #grow(): void {
    this.#capacity *= 2
    this.#numbers = copyInto(new Int32Array(this.#capacity * NUMBERS_PER_NODE), this.#numbers)
    this.#bytes = copyInto(new Uint8Array(this.#capacity * BYTES_PER_NODE), this.#bytes)
    this.#slots = new Int32Array(this.#capacity * 2).fill(NONE)
    // In order, so that a name leads to the node that was added last.
    for (let node = 0; node < this.count; node += 1) this.#slots[this.#slotOf(this.parent(node), this.name(node))] = node
  }

  /** A name and its link lie in one page. */
  #addText(name: string, link: string): number {
    const length = name.length + link.length
    const left = this.#pages.length * PAGE_BYTES - this.#textLength
    const start = length > left ? this.#pages.length * PAGE_BYTES : this.#textLength
    if (start + length > MAXIMUM_TEXT_BYTES) throw invalidImage('the image', `has more than ${MAXIMUM_TEXT_BYTES} bytes of names`)
    if (length > left) this.#pages.push(Buffer.alloc(PAGE_BYTES))
    const page = this.#pages.at(-1)
    page?.write(name, start % PAGE_BYTES, 'latin1')
    page?.write(link, (start % PAGE_BYTES) + name.length, 'latin1')
    this.#textLength = start + length
    return start
  }

  #textAt(start: number, length: number): string {
    const from = start % PAGE_BYTES
    return length === 0 ? '' : (this.#pages[Math.floor(start / PAGE_BYTES)]?.toString('latin1', from, from + length) ?? '')
  }
}

function toNodeKind(value: number): NodeKind {
  if (value === NODE.directory || value === NODE.file || value === NODE.symlink) return value
  return NODE.removed
}

function copyInto<Target extends { set(source: ArrayLike<number>): void }>(target: Target, source: ArrayLike<number>): Target {
  target.set(source)
  return target
}

/** FNV-1a of the parent's number and the name. */
function hash(parent: number, name: string): number {
  let value = Math.imul(parent ^ 0x811c9dc5, 0x01000193)
  for (let index = 0; index < name.length; index += 1) value = Math.imul(value ^ name.charCodeAt(index), 0x01000193)
  return (value ^ (value >>> 15)) >>> 0
}
