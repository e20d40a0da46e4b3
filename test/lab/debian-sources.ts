import { runOnHost } from './host-command.ts'
import { LabError } from './lab-error.ts'
import type { Release } from './releases.ts'

/**
 * Lines of sources.list(5) for a release and its security suite, from where this host's own apt gets Debian, or from `LAB_MIRROR`
 * and `LAB_SECURITY_MIRROR`. `options` stand in brackets before each address, as `signed-by=FILE`.
 *
 * @throws LabError when apt's configuration names no mirror of Debian.
 */
export async function listSources(release: Release, suites: readonly string[], options?: string): Promise<string> {
  const targets = await listTargets()
  const mirror =
    process.env['LAB_MIRROR'] ?? targets.find(({ codename, path }) => !isSecurity(codename) && path === 'debian')?.address
  const security =
    process.env['LAB_SECURITY_MIRROR'] ??
    targets.find(({ codename, path }) => isSecurity(codename) && path === 'debian-security')?.address
  if (mirror === undefined || security === undefined) {
    throw new LabError("apt's configuration names no Debian mirror", 'set LAB_MIRROR and LAB_SECURITY_MIRROR')
  }
  const start = options === undefined ? 'deb' : `deb [${options}]`
  return `${suites.map((suite) => `${start} ${mirror} ${suite} main\n`).join('')}${start} ${security} ${release}-security main\n`
}

interface Target {
  readonly address: string
  readonly codename: string
  /** The last part of the address; a mirror that calls itself Debian has the usual one whatever its address is. */
  readonly path: string
}

async function listTargets(): Promise<readonly Target[]> {
  const format = '$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(ORIGIN)'
  const lines = (await runOnHost('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'])).split('\n')
  return lines
    .map((line) => line.split('\t'))
    .filter(([, , component]) => component === 'main')
    .map(([address = '', codename = '', , origin]) => {
      const usual = isSecurity(codename) ? 'debian-security' : 'debian'
      return { address, codename, path: origin === 'Debian' ? usual : (/([^/]+)\/?$/u.exec(address)?.[1] ?? '') }
    })
}

function isSecurity(codename: string): boolean {
  return codename.endsWith('-security')
}
