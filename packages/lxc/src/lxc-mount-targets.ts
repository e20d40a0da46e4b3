import { printable, RootlessError, type Call } from '@rootless-runtime/core'
import type { FoundTool } from './lxc-inside.ts'
import type { PlannedMount } from './lxc-mount-lines.ts'
import type { RootfsOf } from './lxc-parts.ts'
import type { RootAccess } from './lxc-rootfs.ts'

/** Root is the container's, and no program of its own is run: the first eight words say where realpath and mkdir of the host are. */
const MAKE_TARGETS = `
run() {
  loader=$1 libraries=$2 program=$3 name=$4
  shift 4
  if [ -n "$loader" ]; then "$loader" --library-path "$libraries" "$program" \${name:+"$name"} "$@"; else "$program" \${name:+"$name"} "$@"; fi
}
real() { run "$r1" "$r2" "$r3" "$r4" -m -- "$1"; }
folder() { run "$m1" "$m2" "$m3" "$m4" -p -- "$1"; }
r1=$1 r2=$2 r3=$3 r4=$4 m1=$5 m2=$6 m3=$7 m4=$8
shift 8
while [ $# -gt 0 ]; do
  path=$(real "$2") || exit 1
  case $1 in
    directory) [ -d "$path" ] || folder "$path" || exit 1 ;;
    file)
      if [ -d "$path" ]; then echo "$path: Is a directory" >&2; exit 1; fi
      [ -e "$path" ] || { folder "\${path%/*}/" && : >"$path"; } || exit 1 ;;
  esac
  printf '%s\\n' "$path"
  shift 2
done`

/**
 * Makes what is to be mounted upon, and gives the real path of each: a link of the image leads to where it leads inside, never out of
 * the root. The container must not run.
 *
 * @throws RootlessError `INVALID_ARGUMENT` when something else is there
 */
export async function makeTargets(
  access: RootAccess,
  container: RootfsOf,
  mounts: readonly PlannedMount[],
  call: Call,
): Promise<readonly PlannedMount[]> {
  const tools = await access.tools()
  const found = (['realpath', 'mkdir'] as const).flatMap((tool) => toFields(tools.find(tool)))
  const pairs = mounts.flatMap(({ kind, target }) => [kind, target])
  const end = await access.runInside(container, {
    tool: 'sh',
    toolArguments: ['-c', MAKE_TARGETS, 'sh', ...found, ...pairs],
    ...call,
  })
  const paths = end.stdout.split('\n').slice(0, -1)
  const failed = mounts[paths.length]
  if (end.exitCode !== 0 || failed !== undefined) {
    const shown = JSON.stringify(printable(failed?.target ?? ''))
    const said = printable(end.stderr.replace(OUTSIDE, '')) || `exit code ${end.exitCode}`
    throw new RootlessError('INVALID_ARGUMENT', `nothing can be mounted on ${shown} of the container: ${said}`, { engine: 'lxc' })
  }
  return mounts.map((mount, index) => ({ ...mount, target: paths[index] ?? mount.target }))
}

/** What dash says of a working directory that its root does not hold. */
const OUTSIDE = /^sh: 0: getcwd\(\) failed: .*\n/mu

function toFields({ path, name, loader }: FoundTool): readonly string[] {
  return [loader?.path ?? '', loader?.libraries ?? '', path, name ?? '']
}
