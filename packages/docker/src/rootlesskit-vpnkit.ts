import { known, printable, unknownFact, type Fact, type System } from '@rootless-runtime/core'

/** Whether this RootlessKit has the driver for VPNKit in it, in its own words when not. */
export type VpnkitDriver = { readonly builtIn: true } | { readonly builtIn: false; readonly reason: string }

const TIMEOUT_MS = 2000
const SOURCE = 'rootlesskit --net=vpnkit'

// RootlessKit reads the network's name after it has locked its state folder, and leaves that folder behind: so it gets one that
// goes. A VPNKit that is nowhere is what ends it when it has the driver, before it makes any namespace.
// Neither mktemp nor rm may be ended halfway: what ignores a signal hands that down to its children.
const SCRIPT = `trap '' TERM INT HUP
folder=$(mktemp -d) || exit 3
trap 'trap "" TERM INT HUP; rm -rf "$folder"' EXIT
trap 'exit 3' TERM INT HUP
"$0" --state-dir="$folder" --net=vpnkit --vpnkit-binary=/nonexistent/vpnkit true`

/** Asks RootlessKit itself: it answers at once and starts nothing. Its help names the driver even when it was built without it. */
export async function askForVpnkit(system: System): Promise<Fact<VpnkitDriver>> {
  const program = await system.findExecutable('rootlesskit')
  if (program.status !== 'ok') return unknownFact(program.reason, SOURCE)
  const answer = await system.run({
    file: 'sh',
    arguments: ['-c', SCRIPT, program.value],
    timeoutMs: TIMEOUT_MS,
    environment: { LC_ALL: 'C' },
  })
  if (answer.status !== 'exited') return unknownFact(answer.reason, SOURCE)
  return parseVpnkitAnswer(answer.stderr)
}

// Words of RootlessKit 0.14.2, 1.1.0 and 2.0.2: Debian's patch, upstream's parser, Go's exec.LookPath.
const WITHOUT: readonly RegExp[] = [/not supported in this .*/u, /unknown network mode: vpnkit/u]
const WITH = /\/nonexistent\/vpnkit/u

export function parseVpnkitAnswer(text: string): Fact<VpnkitDriver> {
  for (const pattern of WITHOUT) {
    const found = pattern.exec(text)
    if (found !== null) return known({ builtIn: false, reason: printable(found[0], 200) }, SOURCE)
  }
  if (WITH.test(text)) return known({ builtIn: true }, SOURCE)
  return unknownFact(`RootlessKit said of VPNKit: ${printable(text.trim(), 200) || 'nothing'}`, SOURCE)
}
