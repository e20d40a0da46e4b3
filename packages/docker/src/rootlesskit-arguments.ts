import { printable } from '@rootless-runtime/core'

/** What RootlessKit was told to do, out of its arguments: `--net=slirp4netns --mtu=65520 --port-driver=builtin`. */
export interface RootlessKitArguments {
  readonly net: string | null
  readonly portDriver: string | null
  readonly mtuBytes: number | null
}

/** /proc/PID/cmdline of RootlessKit: words that end with a zero, proc(5). `null` when it is not RootlessKit's. */
export function parseRootlessKitArguments(text: string): RootlessKitArguments | null {
  const words = text.split('\0')
  const value = (name: string): string | null =>
    printableOrNull(words.find((each) => each.startsWith(`--${name}=`))?.slice(name.length + 3))
  const net = value('net')
  const program = words[0]?.split('/').at(-1)
  // The child runs as /proc/self/exe with the arguments of its parent.
  if (net === null || (program !== 'rootlesskit' && program !== 'exe')) return null
  const mtu = value('mtu')
  return { net, portDriver: value('port-driver'), mtuBytes: mtu !== null && /^\d{2,5}$/u.test(mtu) ? Number(mtu) : null }
}

function printableOrNull(word: string | undefined): string | null {
  return word === undefined || word === '' ? null : printable(word, 80)
}
