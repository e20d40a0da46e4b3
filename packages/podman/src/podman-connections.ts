/** A connection of `podman system connection`: a name, and where it leads. */
export interface Connection {
  readonly name: string
  readonly uri: string
}

/**
 * The `[engine.service_destinations.NAME]` tables of containers.conf(5), as `podman system connection add` of 4.x writes them:
 * one table header, then `uri = "..."`. Everything else of the file is passed over.
 */
export function parseServiceDestinations(text: string): readonly Connection[] {
  const found: Connection[] = []
  let name: string | undefined
  for (const line of text.split('\n')) {
    const header = /^\s*\[\s*(.*?)\s*\]\s*(?:#.*)?$/u.exec(line)?.[1]
    if (header !== undefined)
      name = /^engine\.service_destinations\.(?:"([^"]+)"|([\w-]+))$/u.exec(header)?.slice(1).find(Boolean)
    const uri = /^\s*uri\s*=\s*"([^"\\]*)"\s*(?:#.*)?$/u.exec(line)?.[1]
    if (name !== undefined && uri !== undefined) found.push({ name, uri })
  }
  return found
}
