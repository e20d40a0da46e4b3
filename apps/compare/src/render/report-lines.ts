import { knownValue, printable, type Report } from 'rootless-runtime'

/** When and where a report was made, in one line. */
export function renderOrigin({ createdAt, host, toolVersion }: Report): string {
  const kernel = knownValue(host.system.kernelRelease)
  const distribution = knownValue(host.system.distribution)?.prettyName
  const layout = knownValue(host.cgroup.layout)
  const parts = [
    `${createdAt.slice(0, 16).replace('T', ' ')} UTC`,
    distribution ?? 'unknown distribution',
    `kernel ${kernel ?? 'unknown'}`,
    `cgroups ${layout ?? 'unknown'}`,
    `user ${host.user.name}`,
    `rootless ${toolVersion}`,
  ]
  return parts.map((part) => printable(part)).join(', ')
}
