import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fact, HostFacts } from '@rootless-runtime/core'
import { hostFactsSchema } from '@rootless-runtime/core/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLocalSystem, probeHost } from '../src/index.ts'
import { createSystemAt, listFacts } from './probe-fixtures.ts'

// What the probe says is held against what this machine's own tools say, asked here without our code.

const folder = mkdtempSync(join(tmpdir(), 'probe-host-'))
const temporary = join(folder, 'temporary')
mkdirSync(temporary)
afterAll(() => rmSync(folder, { recursive: true }))

function ask(file: string, ...words: readonly string[]): string {
  return execFileSync(file, words, { encoding: 'utf8' }).trim()
}

/** What a command says, or `undefined` when it fails. */
function tryToAsk(file: string, ...words: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(file, words, { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

function valueOf<Value>(fact: Fact<Value>): Value {
  if (fact.status === 'known') return fact.value
  throw new Error(`${fact.source}: ${fact.reason}`)
}

describe('what is said of this machine', () => {
  const system = createSystemAt(temporary)
  let host: HostFacts
  beforeAll(async () => {
    host = await probeHost(system)
  })

  test('is the user that id knows', () => {
    expect([host.user.uid, host.user.gid]).toEqual([Number(ask('id', '-u')), Number(ask('id', '-g'))])
    expect(host.user.name).toBe(tryToAsk('id', '-un') ?? ask('id', '-u'))
  })

  test('is the kernel, the distribution and the processors', () => {
    expect(valueOf(host.system.kernelRelease)).toBe(ask('uname', '-r'))
    const distribution = valueOf(host.system.distribution)
    const words = ask('sh', '-c', '. /etc/os-release; printf "%s|%s|%s" "$ID" "${VERSION_ID-}" "${PRETTY_NAME-}"')
    expect(`${distribution.id}|${distribution.versionId}|${distribution.prettyName}`).toBe(words)
    expect(valueOf(host.system.cpuCount)).toBe(Number(ask('grep', '-c', '^processor', '/proc/cpuinfo')))
  })

  test('is whether AppArmor is on', () => {
    const enabled = tryToAsk('cat', '/sys/module/apparmor/parameters/enabled') === 'Y'
    expect(valueOf(host.system.appArmor)).toBe(enabled ? 'enabled' : 'disabled')
  })

  test.each(['/dev/fuse', '/dev/net/tun'] as const)('is the mode of %s, and whether it opens', (path) => {
    const mode = tryToAsk('stat', '--format=%a', path)
    const device = valueOf(host.devices[path])
    if (mode === undefined) expect(device).toEqual({ present: false })
    else {
      const accessible = spawnSync('sh', ['-c', 'test -r "$1" && test -w "$1"', 'sh', path]).status === 0
      expect(device).toEqual({ present: true, mode: mode.padStart(4, '0'), accessible })
    }
  })

  test('is every sysctl, or that this kernel does not have it', () => {
    for (const [name, fact] of Object.entries(host.sysctls)) {
      const value = tryToAsk('cat', `/proc/sys/${name.replaceAll('.', '/')}`) ?? 'absent'
      expect(valueOf(fact).split(/\s+/u)).toEqual(value.split(/\s+/u))
    }
  })

  test('is the file system of the home folder and its free space', () => {
    const [type, mountPoint] = ask('df', '--output=fstype,target', host.user.homeDirectory).split('\n')[1]?.split(/\s+/u) ?? []
    expect(valueOf(host.home.fileSystem)).toMatchObject({ type, mountPoint })
    const free = Number(ask('df', '--block-size=1', '--output=avail', host.user.homeDirectory).split('\n')[1])
    // Others write meanwhile.
    expect(Math.abs(valueOf(host.home.freeBytes) - free)).toBeLessThan(1024 ** 3)
    const passable = (Number.parseInt(ask('stat', '--format=%a', host.user.homeDirectory), 8) & 1) === 1
    expect(valueOf(host.home.passableByOthers)).toBe(passable)
  })

  test('is the cgroup layout', () => {
    const types = ask('sh', '-c', "awk '$3 ~ /^cgroup/ { print $3 }' /proc/mounts | sort -u").split('\n')
    const layout = types.includes('cgroup') ? (types.includes('cgroup2') ? 'hybrid' : 'v1') : 'v2'
    expect(valueOf(host.cgroup.layout)).toBe(layout)
  })

  test('is whether systemd began this machine, and the runtime folder of the environment', () => {
    expect(valueOf(host.session.systemd)).toBe(ask('cat', '/proc/1/comm') === 'systemd')
    expect(valueOf(host.session.runtimeDirectory)).toBe(process.env['XDG_RUNTIME_DIR'] || null)
  })

  test.each([
    ['subordinateUserIds', '/etc/subuid'],
    ['subordinateGroupIds', '/etc/subgid'],
  ] as const)('is the %s', (key, path) => {
    const script = '$1 == name || $1 == uid { print $2 " " $3 }'
    const lines = tryToAsk('awk', '-F:', '-v', `name=${host.user.name}`, '-v', `uid=${host.user.uid}`, script, path) ?? ''
    const ranges = valueOf(host.userNamespace[key]).map(({ start, count }) => `${start} ${count}`)
    expect(ranges.join('\n')).toBe(lines)
  })

  test('is whether a user namespace and an overlay in it work', () => {
    const works = (...words: readonly string[]) => spawnSync('unshare', ['--user', '--map-root-user', ...words]).status === 0
    expect(valueOf(host.userNamespace.uidMapWritten).worked).toBe(works('true'))
    const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => join(folder, 'overlay', name))
    for (const each of [lower, upper, work, merged]) mkdirSync(each ?? folder, { recursive: true })
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${work},userxattr`
    expect(valueOf(host.overlayInUserNamespace).worked).toBe(
      works('--mount', 'mount', '-t', 'overlay', 'overlay', '-o', options, merged ?? ''),
    )
    // The kernel leaves a folder of mode 0000 in the work directory.
    spawnSync('chmod', ['700', join(work ?? folder, 'work')])
    rmSync(join(folder, 'overlay'), { recursive: true })
  })

  test.each(['newuidmap', 'newgidmap', 'slirp4netns', 'pasta', 'fuse-overlayfs', 'crun', 'rootlesskit', 'vpnkit'] as const)(
    'is where %s is, and its version',
    (name) => {
      const tool = valueOf(host.tools[name])
      const path = tryToAsk('sh', '-c', 'command -v "$1"', 'sh', name)
      expect(tool.present ? tool.path : undefined).toBe(path)
      if (!tool.present || tool.version === null) return
      expect(spawnSync(tool.path, ['--version'], { encoding: 'utf8' }).stdout).toContain(tool.version)
    },
  )

  test('is whether newuidmap may map', () => {
    const tool = valueOf(host.tools.newuidmap)
    if (!tool.present) return
    const setuid = (Number.parseInt(ask('stat', '--format=%a', tool.path), 8) & 0o4000) !== 0
    expect(tool.privilege === 'setuid').toBe(setuid)
  })

  test('has a source for every fact, and fits its schema', () => {
    const facts = listFacts(host)
    expect(facts.length).toBeGreaterThan(40)
    expect(facts.filter(({ source }) => typeof source !== 'string' || source.trim() === '')).toEqual([])
    expect(host.conditions.filter(({ source, message }) => source === '' || message === '')).toEqual([])
    expect(hostFactsSchema.parse(host)).toStrictEqual(host)
  })

  test('holds no control character', () => {
    expect(JSON.stringify(host)).not.toMatch(/\\u00[01]|\\n|\\t|\p{Cc}/u)
  })

  test('was found without leaving anything behind', () => {
    expect(readdirSync(temporary)).toEqual([])
  })
})

describe('an attempt that is ended halfway', () => {
  test.each([0, 5, 10, 15, 20, 30, 40, 60, 80, 160])('after %i ms leaves no folder', async (delayMs) => {
    const abort = new AbortController()
    const answer = probeHost(createSystemAt(temporary, {}, createLocalSystem({ signal: abort.signal })))
    await sleep(delayMs)
    abort.abort()
    await answer
    for (let attempt = 0; attempt < 20 && readdirSync(temporary).length > 0; attempt += 1) await sleep(100)
    expect(readdirSync(temporary)).toEqual([])
  })
})
