import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toPodmanFailure } from '../src/podman-errors.ts'
import { parsePodmanInfo } from '../src/podman-info.ts'

const INFO = {
  host: {
    cgroupVersion: 'v1',
    cgroupManager: 'cgroupfs',
    cgroupControllers: [],
    ociRuntime: { name: 'runc', version: 'runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\nspec: 1.0.2-dev' },
    security: { rootless: true },
  },
  store: {
    graphDriverName: 'overlay',
    graphRoot: '/home/moby/.local/share/containers/storage',
    graphOptions: {},
    graphStatus: {},
  },
  version: { Version: '4.3.1' },
}

test('an answer of 4.3.1 is read; what it does not report stays absent', () => {
  expect(parsePodmanInfo(JSON.stringify(INFO))).toEqual({
    ok: true,
    info: {
      version: '4.3.1',
      rootless: true,
      remote: false,
      cgroupVersion: 'v1',
      cgroupManager: 'cgroupfs',
      cgroupControllers: [],
      networkCommand: undefined,
      ociRuntime: 'runc',
      ociRuntimeVersion: '1.1.5+ds1',
      graphDriver: 'overlay',
      graphRoot: '/home/moby/.local/share/containers/storage',
      mountProgram: false,
    },
  })
})

test('a mount program makes the overlay one of fuse-overlayfs', () => {
  const graphOptions = { 'overlay.mount_program': { Executable: '/usr/bin/fuse-overlayfs' } }
  const parsed = parsePodmanInfo(JSON.stringify({ ...INFO, store: { ...INFO.store, graphOptions } }))
  expect(parsed).toMatchObject({ ok: true, info: { mountProgram: true } })
})

test.each([
  ['all zeros', JSON.stringify({ host: {}, store: {}, version: {} })],
  ['without a version', JSON.stringify({ ...INFO, version: { Version: '' } })],
  ['cut', JSON.stringify(INFO).slice(0, 60)],
  ['YAML', 'host:\n  arch: amd64\n'],
  ["Docker's", '{"ServerVersion":"20.10.24"}'],
  ['nothing', ''],
])('%s is refused with its reason', (_, text) => {
  expect(parsePodmanInfo(text)).toMatchObject({ ok: false, reason: expect.stringContaining('podman info') })
})

test('a word with control characters is made safe', () => {
  const host = { ...INFO.host, cgroupVersion: 'v1\u001b[2J', ociRuntime: { name: '\u202Ecrun' } }
  const parsed = parsePodmanInfo(JSON.stringify({ ...INFO, host }))
  expect(parsed).toMatchObject({ ok: true, info: { cgroupVersion: 'v1\\u001b[2J', ociRuntime: '\\u202ecrun' } })
})

test.each([
  [
    'newuidmap is missing',
    'Error: command required for rootless mode with multiple IDs: exec: "newuidmap": executable file not found in $PATH\n',
    'unusable',
  ],
  [
    'newuidmap has no rights',
    'time=x level=error msg="running"\nError: cannot set up namespace using "/usr/bin/newuidmap": should have setuid or have filecaps setuid: exit status 1',
    'unusable',
  ],
  ['words that nobody recorded', 'Error: something new', 'unknown'],
  ['nothing at all', '', 'unknown'],
])('when %s, Podman is %s', (_, stderr, kind) => {
  const failure = toPodmanFailure({ status: 'exited', exitCode: 125, stdout: '', stderr })
  expect(failure).toMatchObject({ kind, reason: expect.stringContaining('exit code 125') })
})

test('a Podman that hangs is unknown with the reason of the door', () => {
  const answer = { status: 'failed', reason: 'no answer within 10 s', stdout: '', stderr: '' } as const
  expect(toPodmanFailure(answer)).toEqual({ kind: 'unknown', reason: 'podman info: no answer within 10 s' })
})

test('rubbish is never an answer of Podman', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.json(),
    fc.json().map((text) => text.slice(1)),
  )
  fc.assert(
    fc.property(texts, (text) => {
      expect(parsePodmanInfo(text).ok).toBe(false)
    }),
    { numRuns: 1000 },
  )
})

test('an answer with any one field replaced is read or refused, and never throws', () => {
  const parts = fc.constantFrom<readonly [keyof typeof INFO, string]>(
    ['host', 'cgroupControllers'],
    ['host', 'security'],
    ['host', 'rootlessNetworkCmd'],
    ['store', 'graphOptions'],
    ['version', 'Version'],
  )
  fc.assert(
    fc.property(parts, fc.jsonValue(), ([part, field], value) => {
      const parsed = parsePodmanInfo(JSON.stringify({ ...INFO, [part]: { ...INFO[part], [field]: value } }))
      if (parsed.ok) expect(parsed.info.version).toMatch(/^\d+\.\d+/u)
    }),
    { numRuns: 1000 },
  )
})
