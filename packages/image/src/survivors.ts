import { NODE, NONE, ROOT, type NodeTable } from './node-table.ts'

/** For each entry of the layers the paths that it makes at last: none, one, or one per hard link. */
export interface Survivors {
  /** Folders that no entry describes, parents first. */
  bareFolders(): Iterable<string>
  pathsOf(entry: number): readonly string[]
}

export function findSurvivors(nodes: NodeTable, entries: number): Survivors {
  const first = new Int32Array(entries).fill(NONE)
  const next = new Int32Array(nodes.count).fill(NONE)
  const shadows = findShadows(nodes)
  // Backwards, so that a list begins with the path that was first.
  for (let node = nodes.count - 1; node >= 0; node -= 1) {
    const entry = nodes.entry(node)
    if (shadows[node] === GONE || entry === NONE) continue
    next[node] = first[entry] ?? NONE
    first[entry] = node
  }
  return {
    *bareFolders() {
      for (let node = ROOT + 1; node < nodes.count; node += 1) {
        if (shadows[node] !== GONE && nodes.entry(node) === NONE) yield pathOf(nodes, node)
      }
    },
    pathsOf(entry) {
      const paths: string[] = []
      for (let node = first[entry] ?? NONE; node !== NONE; node = next[node] ?? NONE) paths.push(pathOf(nodes, node))
      return paths
    },
  }
}

const GONE = 255

/** For each node the layer below which nothing under it is seen, or `GONE`. A node is made after the folder that it is in. */
function findShadows(nodes: NodeTable): Uint8Array {
  const shadows = new Uint8Array(nodes.count)
  shadows[ROOT] = nodes.opaque(ROOT)
  for (let node = ROOT + 1; node < nodes.count; node += 1) {
    const above = shadows[nodes.parent(node)] ?? GONE
    const isGone = nodes.kind(node) === NODE.removed || nodes.layer(node) < above
    shadows[node] = isGone ? GONE : Math.max(above, nodes.opaque(node))
  }
  return shadows
}

function pathOf(nodes: NodeTable, node: number): string {
  const parts: string[] = []
  for (let each = node; each > ROOT; each = nodes.parent(each)) parts.push(nodes.name(each))
  return parts.toReversed().join('/')
}
