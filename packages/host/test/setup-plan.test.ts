import { known, unknownFact, type EngineName } from '@rootless-runtime/core'
import { describe, expect, test } from 'vitest'
import { toMissingPackages } from '../src/setup/engine-needs.ts'
import { planSetup } from '../src/setup/plan-setup.ts'
import { SETUP_STEP_IDS, type SetupStepId } from '../src/setup/setup-plan.ts'
import type { SetupState } from '../src/setup/setup-state.ts'
import { BARE, READY, findStep, withUser } from './setup-fixtures.ts'

const SYSTEMD_STEPS: ReadonlySet<SetupStepId> = new Set(['delegation', 'linger'])

describe('a plan', () => {
  test('for a host that is ready has nothing to do', () => {
    expect(planSetup(READY).steps.filter(({ state }) => state !== 'done')).toEqual([])
  })

  test('for a bare host has every step without systemd, in the order of the list, all needed', () => {
    const { steps, user } = planSetup(BARE)
    expect(steps.map(({ id }) => id)).toEqual(SETUP_STEP_IDS.filter((id) => !SYSTEMD_STEPS.has(id)))
    expect(steps.filter(({ state }) => state !== 'needed')).toEqual([])
    expect(user).toEqual({ name: 'moby', uid: 1001, gid: 1001, home: '/home/moby' })
  })

  test('says of every step why, and how it is undone', () => {
    for (const step of planSetup({ ...BARE, systemd: true, cgroupLayout: known('v2', 'mounts') }).steps) {
      expect(step.why.length).toBeGreaterThan(20)
      expect(step.undo).not.toBe('')
    }
  })

  test.each<[EngineName, readonly SetupStepId[], readonly SetupStepId[]]>([
    ['docker', ['docker-service', 'devices'], ['lxc-usernet', 'containers-conf']],
    ['podman', ['containers-conf', 'storage-conf'], ['docker-service', 'lxc-bridge']],
    ['lxc', ['lxc-usernet', 'lxc-bridge', 'passable-home'], ['docker-service', 'storage-conf', 'ping-range']],
  ])('for %s alone has only its steps', (engine, present, absent) => {
    const ids = planSetup({ ...BARE, engines: [engine] }).steps.map(({ id }) => id)
    expect(ids).toEqual(expect.arrayContaining([...present]))
    expect(ids.filter((id) => absent.includes(id))).toEqual([])
  })

  test('never touches the home folder as root', () => {
    for (const state of [BARE, { ...BARE, systemd: true }]) {
      const { steps, user } = planSetup(state)
      const paths = steps
        .flatMap(({ actions }) => actions)
        .filter(({ as }) => as === 'root')
        .filter(({ kind }) => kind !== 'run')
      expect(paths.filter((action) => 'path' in action && action.path.startsWith(user.home))).toEqual([])
      expect(paths.length).toBeGreaterThan(0)
    }
  })

  test('gives the step of a bare user the ids and paths that the user will have', () => {
    const plan = planSetup(BARE)
    expect(findStep(plan, 'user').actions).toMatchObject([{ command: expect.arrayContaining(['--uid', '1001', 'moby']) }])
    // useradd gives the ids of the next step itself: to give none is what that of Debian 11 cannot.
    expect(findStep(plan, 'user').actions).toMatchObject([
      {
        command: expect.arrayContaining([
          'SUB_UID_MIN=100000',
          'SUB_UID_COUNT=65536',
          'SUB_GID_MIN=100000',
          'SUB_GID_COUNT=65536',
        ]),
      },
    ])
    expect(findStep(plan, 'subordinate-ids').actions).toMatchObject([
      { command: ['usermod', '--add-subuids', '100000-165535', '--add-subgids', '100000-165535', 'moby'] },
    ])
    expect(findStep(plan, 'lxc-default-conf').actions).toMatchObject([
      { content: expect.stringContaining('lxc.idmap = u 0 100000 65536') },
    ])
    expect(findStep(plan, 'runtime-directory').actions).toMatchObject([{ command: expect.arrayContaining(['/run/user/1001']) }])
  })
})

test.each([
  ['5.10.0-46-cloud-amd64', true],
  ['5.11.0', false],
  ['6.1.0-56-amd64', false],
])("on Linux %s Podman's overlay is mounted by fuse-overlayfs: %s", (release, byProgram) => {
  const state = { ...withUser({ storageConf: known(null, 's'), podmanStorage: false }), kernelRelease: known(release, 'k') }
  const [action] = findStep(planSetup(state), 'storage-conf').actions
  const content = action !== undefined && 'content' in action ? action.content : ''
  expect(content).toContain('driver = "overlay"')
  expect(content.includes('mount_program = "/usr/bin/fuse-overlayfs"')).toBe(byProgram)
})

const DEBIAN_12 = { distribution: { id: 'debian', idLike: [], versionId: '12', prettyName: '' }, systemd: true, cgroupV1: false }

describe('with systemd', () => {
  const state: SetupState = { ...withUser({ docker: 'none', linger: false }), systemd: true, cgroupLayout: known('v2', 'mounts') }

  test('Docker is a unit of the user, written once and started by systemctl --user', () => {
    const [write, ...commands] = findStep(planSetup(state), 'docker-service').actions
    expect(write).toMatchObject({ kind: 'write-file', as: 'user', path: '/home/moby/.config/systemd/user/docker.service' })
    expect(commands).toMatchObject([
      { kind: 'run', as: 'user' },
      { command: ['systemctl', '--user', 'enable', '--now', 'docker.service'] },
      { kind: 'wait-for-docker' },
    ])
  })

  test('a docker.service of the user stays as it is', () => {
    const kept = planSetup({ ...state, user: { ...READY.user, docker: 'none', dockerUnit: known('[Service]', 'unit') } })
    expect(findStep(kept, 'docker-service').actions.map(({ kind }) => kind)).not.toContain('write-file')
  })

  test('controllers are delegated before the user manager starts', () => {
    const ids = planSetup(state)
      .steps.filter((step) => step.state === 'needed')
      .map(({ id }) => id)
    expect(ids).toEqual(['delegation', 'linger', 'docker-service'])
  })

  test('a legacy layout has nothing to delegate', () => {
    expect(planSetup({ ...state, cgroupLayout: known('v1', 'mounts') }).steps.map(({ id }) => id)).not.toContain('delegation')
  })

  test('the daemon of root that docker.io brings is disabled only when this plan installs docker.io', () => {
    const disable = { command: ['systemctl', 'disable', '--now', 'docker.service', 'docker.socket'] }
    expect(findStep(planSetup({ ...state, packages: known(new Set(), 'd') }), 'packages').actions).toContainEqual(
      expect.objectContaining(disable),
    )
    const onlyUidmap = new Set([...toMissingPackages(state.engines, new Set(), DEBIAN_12)].filter((name) => name !== 'uidmap'))
    expect(findStep(planSetup({ ...state, packages: known(onlyUidmap, 'd') }), 'packages').actions).not.toContainEqual(
      expect.objectContaining(disable),
    )
  })
})

describe('who may do what', () => {
  test('without root the root steps are left to a person, with the command to type, and the files are written', () => {
    const plan = planSetup({
      ...withUser({ storageConf: known(null, 's'), podmanStorage: false }),
      caller: { isRoot: false, isTarget: true },
      lxcBridge: false,
    })
    expect(findStep(plan, 'lxc-bridge')).toMatchObject({
      state: 'manual',
      byHand: expect.stringContaining('sudo rootless setup --user moby'),
    })
    expect(findStep(plan, 'storage-conf').state).toBe('needed')
  })

  test('without root nothing of another user is touched', () => {
    const plan = planSetup({ ...withUser({ docker: 'none' }), caller: { isRoot: false, isTarget: false } })
    expect(findStep(plan, 'docker-service')).toMatchObject({ state: 'manual', byHand: expect.stringContaining('moby') })
  })

  test('without root and without the user there is nothing to do', () => {
    expect(
      planSetup({ ...BARE, caller: { isRoot: false, isTarget: false } }).steps.filter(({ state }) => state === 'needed'),
    ).toEqual([])
  })

  test('on another distribution every root step is left to a person, who still sees the commands', () => {
    const fedora = known({ id: 'fedora', idLike: [], versionId: '42', prettyName: 'Fedora 42' }, '/etc/os-release')
    const plan = planSetup({ ...BARE, distribution: fedora, packages: unknownFact('no dpkg-query', 'dpkg-query') })
    expect(plan.supportedDistribution).toBe(false)
    expect(plan.steps.filter(({ state }) => state === 'needed')).toEqual([])
    expect(findStep(plan, 'packages')).toMatchObject({ byHand: expect.stringContaining('Fedora 42') })
    expect(findStep(plan, 'packages').actions).toContainEqual(
      expect.objectContaining({ command: expect.arrayContaining(['uidmap']) }),
    )
  })

  test('a descendant of Ubuntu is treated as one', () => {
    const mint = known({ id: 'linuxmint', idLike: ['ubuntu', 'debian'], versionId: '22', prettyName: 'Mint' }, '/etc/os-release')
    expect(planSetup({ ...BARE, distribution: mint }).supportedDistribution).toBe(true)
  })
})
