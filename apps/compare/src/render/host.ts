import { printable, type Fact, type HostFacts } from 'rootless-runtime'
import { renderFix, type FixOptions } from './fixes.ts'

/** Every fact of the host, each with where it was read, and what will hurt. */
export function renderHost(host: HostFacts, options: FixOptions): string {
  const { style } = options
  const { user } = host
  const sections = listSections(host).map(({ title, facts }) => {
    const titled = facts.map(([name, fact]) => [toTitle(name), fact] as const)
    const width = Math.max(...titled.map(([name]) => name.length))
    const lines = titled.map(([name, fact]) => {
      const answer = fact.status === 'known' ? describe(fact.value) : style.colour('unknown', `unknown: ${fact.reason}`)
      return `  ${name.padEnd(width)}  ${printableLine(answer)}  ${style.faint(printable(fact.source))}`
    })
    return [style.bold(title), ...lines].join('\n')
  })
  const conditions = host.conditions.map(({ message, fix }) =>
    [
      `  ${style.colour('unsupported', style.sign('unsupported'))} ${printable(message)}`,
      ...(fix === undefined ? [] : [renderFix(fix, options)]),
    ].join('\n'),
  )
  return [
    `${style.bold('User')} ${printable(user.name)} (uid ${user.uid}, gid ${user.gid}), home ${printable(user.homeDirectory)}`,
    ...sections,
    ...(conditions.length === 0 ? [] : [[style.bold('What will hurt'), ...conditions].join('\n')]),
  ].join('\n\n')
}

// Colours of ours may be in it; what is foreign in it was made safe where it was read.
function printableLine(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}…` : text
}

// `kernelRelease` for people; paths and names of sysctls stay as they are.
function toTitle(name: string): string {
  return /[./]/u.test(name) ? name : name.replaceAll(/[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`)
}

interface Section {
  readonly title: string
  readonly facts: readonly (readonly [string, Fact<unknown>])[]
}

function listSections(host: HostFacts): readonly Section[] {
  return [
    { title: 'System', facts: Object.entries(host.system) },
    { title: 'Cgroups', facts: Object.entries(host.cgroup) },
    { title: 'Session', facts: Object.entries(host.session) },
    {
      title: 'User namespaces',
      facts: [...Object.entries(host.userNamespace), ['overlay inside', host.overlayInUserNamespace]],
    },
    { title: 'Devices', facts: Object.entries(host.devices) },
    { title: 'Tools', facts: Object.entries(host.tools) },
    { title: 'lxc-usernet', facts: [['lines', host.lxcUsernet]] },
    { title: 'Sysctls', facts: Object.entries(host.sysctls) },
    { title: 'Home', facts: Object.entries(host.home) },
  ]
}

function describe(value: unknown): string {
  if (value === null) return 'none'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value !== 'object') return printable(String(value))
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(describe).join(', ')
  const fields = Object.entries(value).filter(([, field]) => field !== null)
  return fields.map(([name, field]) => `${name} ${describe(field)}`).join(' ')
}
