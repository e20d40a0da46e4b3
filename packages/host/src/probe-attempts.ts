import { known, printable, unknownFact, type Attempt, type Fact, type System } from '@rootless-runtime/core'

const ATTEMPT_TIMEOUT_MS = 5000

/** What the two attempts showed: making a user namespace, and mapping our own uid into it. */
export interface UserNamespaceAttempts {
  readonly created: Fact<Attempt>
  readonly uidMapWritten: Fact<Attempt>
}

const MAP_ROOT = ['--user', '--map-root-user']

/** Makes a user namespace with unshare(1) for real. AppArmor on Ubuntu 24.04 lets unshare(2) pass and forbids the uid_map. */
export async function attemptUserNamespace(system: System): Promise<UserNamespaceAttempts> {
  const source = 'unshare --user --map-root-user true'
  const answer = await system.run({ file: 'unshare', arguments: [...MAP_ROOT, 'true'], timeoutMs: ATTEMPT_TIMEOUT_MS })
  if (answer.status !== 'exited')
    return { created: unknownFact(answer.reason, source), uidMapWritten: unknownFact(answer.reason, source) }
  const worked = known<Attempt>({ worked: true }, source)
  if (answer.exitCode === 0) return { created: worked, uidMapWritten: worked }
  const failed = known<Attempt>({ worked: false, reason: printable(answer.stderr) }, source)
  const mapForbidden = /uid_map|gid_map|setgroups/u.test(answer.stderr)
  return { created: mapForbidden ? worked : failed, uidMapWritten: failed }
}

// A fixed script: it makes a temporary folder, mounts an overlay on it inside a namespace, writes through it, and removes it.
// Neither mktemp nor rm may be ended halfway: what ignores a signal hands that down to its children.
const OVERLAY_SCRIPT = `set -u
trap '' TERM INT HUP
folder=$(mktemp -d) || exit 3
trap 'trap "" TERM INT HUP; chmod 700 "$folder/work/work" 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 3' TERM INT HUP
mkdir "$folder/lower" "$folder/upper" "$folder/work" "$folder/merged" || exit 3
unshare --user --map-root-user --mount sh -c '
  mount -t overlay overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work,userxattr" "$1/merged" || exit 4
  echo yes >"$1/merged/file" || exit 4
  umount "$1/merged"
  chmod 700 "$1/work/work" 2>/dev/null || true' sh "$folder"
`

/** Mounts the kernel's overlay in a user namespace for real; Linux 5.11 is the first that allows it. */
export async function attemptOverlay(system: System): Promise<Fact<Attempt>> {
  const source = 'mount -t overlay -o userxattr in a user namespace'
  const answer = await system.run({ file: 'sh', arguments: ['-c', OVERLAY_SCRIPT], timeoutMs: ATTEMPT_TIMEOUT_MS })
  if (answer.status !== 'exited') return unknownFact(answer.reason, source)
  if (answer.exitCode === 0) return known({ worked: true }, source)
  if (answer.exitCode === 3 || answer.exitCode === 127) return unknownFact(`could not try: ${printable(answer.stderr)}`, source)
  return known({ worked: false, reason: printable(answer.stderr) }, source)
}
