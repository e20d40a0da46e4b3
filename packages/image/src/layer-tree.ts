import { invalidEntry } from './invalid-image.ts'
import { MAXIMUM_PATH_BYTES, WHITEOUT, checkEntry, isPlainName, parseEntryPath, parseHardLinkPath } from './layer-path.ts'
import { NODE, NONE, NodeTable, ROOT, type NodeKind } from './node-table.ts'
import { findSurvivors, type Survivors } from './survivors.ts'
import type { TarEntry } from './tar-scanner.ts'

/** As Linux: MAXSYMLINKS. */
const MAXIMUM_LINKS = 40
/** Names looked up because of links, over the whole image: an archive can be small and mean very many. */
const MAXIMUM_LINK_STEPS = 20_000_000

const OPAQUE = '.wh..wh..opq'
/** What AUFS keeps for itself; Docker skips it too. */
const RESERVED = '.wh..wh.'

/** A folder, and the layer below which nothing in it is seen. */
interface Folder {
  readonly node: number
  readonly shadow: number
}

interface RecentFolder {
  /** The names of its entries up to the last slash, as they stand in the tar. */
  readonly prefix: string
  readonly layer: number
  readonly folder: Folder
  /** Of what is in it; the root has 0. */
  readonly depth: number
}

interface Made {
  readonly kind: NodeKind
  readonly link: string
}

const BARE_FOLDER: Made = { kind: NODE.directory, link: '' }

interface Walk {
  readonly entry: TarEntry
  readonly where: string
  readonly layer: number
  /** Folders on the way that are not there are made. */
  readonly makes: boolean
}

/** What the layers of an image make when they lie on each other, and which entry each path comes from. */
export class LayerTree {
  readonly #nodes = new NodeTable()
  /** Of all that are ever made, those that are hidden again too. */
  readonly #maximumPaths: number
  #entries = 0
  #linkSteps = 0
  /** Until something is hidden or removed. */
  #recent: RecentFolder | null = null

  constructor(maximumPaths: number) {
    this.#maximumPaths = maximumPaths
  }

  /**
   * Adds the next entry of a layer; layers come in order, counted from 0. Entries are counted over all layers.
   *
   * @throws RootlessError `IMAGE_INVALID` when it could leave the root, or no engine could make it.
   */
  add(entry: TarEntry, layer: number, where: string): void {
    const number = this.#entries
    this.#entries += 1
    const walk = { entry, where, layer, makes: true }
    const recent = this.#recentFolderOf(entry, layer)
    if (recent !== null) {
      checkEntry(entry, recent.depth, where)
      return this.#place(recent.folder, entry.name.slice(recent.prefix.length), number, walk)
    }
    const path = parseEntryPath(entry, where)
    const name = path.at(-1)
    if (path[0]?.startsWith(RESERVED) === true && path[0] !== OPAQUE) return
    if (path.slice(0, -1).some((part) => part.startsWith(WHITEOUT))) throw invalidEntry(where, entry.name, 'is below a whiteout')
    if (name?.startsWith(WHITEOUT) === true) return this.#hide(path, name, { ...walk, makes: false })
    checkEntry(entry, path.length, where)
    if (name === undefined) return this.#nodes.setEntry(ROOT, number)
    const folder = this.#folderOf(path, walk)
    if (folder === null) return
    const prefix = entry.name.slice(0, entry.name.lastIndexOf('/') + 1)
    // A folder's own name ends with a slash.
    this.#recent = `${prefix}${name}` === entry.name ? { prefix, layer, folder, depth: path.length } : null
    this.#place(folder, name, number, walk)
  }

  /** The folder of the entry before, when this one is in it too: most are, and finding it is most of the work. */
  #recentFolderOf(entry: TarEntry, layer: number): RecentFolder | null {
    const recent = this.#recent
    if (recent === null || recent.layer !== layer || !entry.name.startsWith(recent.prefix)) return null
    if (entry.name.lastIndexOf('/') + 1 !== recent.prefix.length || entry.name.length > MAXIMUM_PATH_BYTES) return null
    return isPlainName(entry.name.slice(recent.prefix.length)) ? recent : null
  }

  /** For each entry the paths that it makes at last. */
  survivors(): Survivors {
    return findSurvivors(this.#nodes, this.#entries)
  }

  #visible(parent: Folder, name: string): number {
    const node = this.#nodes.find(parent.node, name)
    if (node === NONE || this.#nodes.kind(node) === NODE.removed || this.#nodes.layer(node) < parent.shadow) return NONE
    return node
  }

  #below(parent: Folder, node: number): Folder {
    return { node, shadow: Math.max(parent.shadow, this.#nodes.opaque(node)) }
  }

  #above(folder: Folder): Folder {
    const node = Math.max(this.#nodes.parent(folder.node), ROOT)
    let shadow = 0
    for (let each = node; each !== NONE; each = this.#nodes.parent(each)) shadow = Math.max(shadow, this.#nodes.opaque(each))
    return { node, shadow }
  }

  #root(): Folder {
    return { node: ROOT, shadow: this.#nodes.opaque(ROOT) }
  }

  #make(parent: number, name: string, made: Made, walk: Walk): number {
    if (this.#nodes.count > this.#maximumPaths)
      throw invalidEntry(walk.where, walk.entry.name, `is one of more than ${this.#maximumPaths} paths`)
    const node = this.#nodes.add(parent, name, made.kind, made.link)
    this.#nodes.setLayer(node, walk.layer)
    return node
  }

  /** The folder that holds the last part of a path, through links, never above the root. `null` when there is none. */
  #folderOf(path: readonly string[], walk: Walk): Folder | null {
    const todo = path.slice(0, -1).toReversed()
    let folder = this.#root()
    let links = 0
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      if (links > 0) this.#countLinkStep(walk)
      if (part === '..') {
        folder = this.#above(folder)
        continue
      }
      const next = this.#visible(folder, part)
      if (next === NONE && !walk.makes) return null
      if (next === NONE) folder = this.#below(folder, this.#make(folder.node, part, BARE_FOLDER, walk))
      else if (this.#nodes.kind(next) === NODE.symlink) {
        links += 1
        if (links > MAXIMUM_LINKS) throw invalidEntry(walk.where, walk.entry.name, 'leads through too many links, or in a circle')
        const target = this.#nodes.link(next)
        if (target.startsWith('/')) folder = this.#root()
        todo.push(
          ...target
            .split('/')
            .filter((each) => each !== '' && each !== '.')
            .toReversed(),
        )
      } else if (this.#nodes.kind(next) === NODE.directory) {
        folder = this.#below(folder, next)
        if (walk.makes) this.#nodes.setLayer(next, walk.layer)
      } else if (walk.makes) throw invalidEntry(walk.where, walk.entry.name, 'is below a file')
      else return null
    }
    return folder
  }

  #countLinkStep(walk: Walk): void {
    this.#linkSteps += 1
    if (this.#linkSteps > MAXIMUM_LINK_STEPS)
      throw invalidEntry(walk.where, walk.entry.name, 'and those before it lead through too many links')
  }

  /** Whiteouts hide what layers before have, whatever their own layer has and in whatever order. */
  #hide(path: readonly string[], name: string, walk: Walk): void {
    const folder = this.#folderOf(path, walk)
    this.#recent = null
    if (folder === null) return
    if (name === OPAQUE) return this.#nodes.setOpaque(folder.node, walk.layer)
    if (name.startsWith(RESERVED)) return
    const hidden = name.slice(WHITEOUT.length)
    if (hidden === '' || hidden === '.' || hidden === '..') throw invalidEntry(walk.where, walk.entry.name, 'hides no name')
    const node = this.#visible(folder, hidden)
    if (node === NONE) return
    if (this.#nodes.layer(node) < walk.layer) this.#remove(node)
    else if (this.#nodes.kind(node) === NODE.directory) this.#nodes.setOpaque(node, walk.layer)
  }

  #remove(node: number): void {
    this.#nodes.setKind(node, NODE.removed)
    this.#recent = null
  }

  #linked(walk: Walk): number {
    const target = parseHardLinkPath(walk.entry, walk.where)
    const folder = this.#folderOf(target, { ...walk, makes: false })
    const node = folder === null ? NONE : this.#visible(folder, target.at(-1) ?? '')
    const refuse = (reason: string): never => {
      throw invalidEntry(
        walk.where,
        walk.entry.name,
        `is a hard link to ${JSON.stringify(target.join('/').slice(0, 100))}, ${reason}`,
      )
    }
    if (node === NONE) return refuse('which is not there')
    if (this.#nodes.kind(node) === NODE.directory) return refuse('a folder')
    return node
  }

  #place(folder: Folder, name: string, number: number, walk: Walk): void {
    const { entry, layer } = walk
    const source = entry.kind === 'hardlink' ? this.#linked(walk) : NONE
    const made = source === NONE ? toMade(entry) : { kind: this.#nodes.kind(source), link: this.#nodes.link(source) }
    const from = source === NONE ? number : this.#nodes.entry(source)
    const there = this.#visible(folder, name)
    if (there !== NONE && there === source) throw invalidEntry(walk.where, entry.name, 'is a hard link to itself')
    const isSameFolder = there !== NONE && made.kind === NODE.directory && this.#nodes.kind(there) === NODE.directory
    if (there !== NONE && !isSameFolder) this.#remove(there)
    const node = isSameFolder ? there : this.#make(folder.node, name, made, walk)
    this.#nodes.setEntry(node, from)
    this.#nodes.setLayer(node, layer)
  }
}

const KIND_OF: Readonly<Record<TarEntry['kind'], NodeKind>> = {
  directory: NODE.directory,
  symlink: NODE.symlink,
  file: NODE.file,
  fifo: NODE.file,
  hardlink: NODE.removed,
  'character-device': NODE.removed,
  'block-device': NODE.removed,
}

function toMade(entry: TarEntry): Made {
  return { kind: KIND_OF[entry.kind], link: entry.kind === 'symlink' ? entry.linkName : '' }
}
