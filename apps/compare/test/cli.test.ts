import { spawnSync } from 'node:child_process'
import { ENGINE_NAMES } from 'rootless-runtime'
import { expect, test } from 'vitest'
import { runCli } from '../src/cli.ts'
import { ENGINES } from '../src/options.ts'
import { createIo } from './fake-io.ts'

async function type(...words: string[]) {
  const { io, out, error } = createIo()
  return { code: await runCli(words, '1.2.3', io), out: out(), error: error() }
}

test('the engines of the command are those of the contract', () => {
  expect(ENGINES).toEqual(ENGINE_NAMES)
})

test.each([
  [['frobnicate'], "unknown command 'frobnicate'"],
  [['compare', '--nope'], "unknown option '--nope'"],
  [['compare', '--engine', 'rkt'], 'Engines are docker, podman, lxc.'],
  [['compare', '--engine', 'docker,rkt'], 'Engines are docker, podman, lxc.'],
  [['compare', '--format', 'xml'], 'Allowed choices are table, markdown, json'],
  [['compare', '--timeout', '0'], 'more than 0'],
  [['compare', '--timeout', 'soon'], 'more than 0'],
  [['compare', '--timeout', '100000'], 'at most 600'],
  [['compare', '--require', 'cgroup=v3'], 'known: v2, hybrid, v1'],
  [['compare', 'extra'], 'too many arguments'],
  [['inspect'], "missing required argument 'engine'"],
  [['inspect', 'rkt'], 'docker, podman, lxc'],
  [['setup', '--user', '../root', '--dry-run'], 'not a user name'],
])('%j is wrong use and says so', async (words, message) => {
  const { code, out, error } = await type(...words)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(error).toContain(message)
  expect(error).not.toMatch(/ at .*\.ts:/u)
})

test('no word at all shows the help as an error', async () => {
  const { code, out, error } = await type()
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(error).toContain('Usage: rootless')
})

test.each(
  [['--help'], ['compare', '--help'], ['inspect', '--help'], ['host', '--help'], ['setup', '--help'], ['start', '--help']].map(
    (words) => [words],
  ),
)('%j has examples and is fine', async (words) => {
  const { code, out, error } = await type(...words)
  expect({ code, error }).toEqual({ code: 0, error: '' })
  expect(out).toMatch(/Examples:\n {2}\$ /u)
})

test('--version is the version', async () => {
  expect(await type('--version')).toEqual({ code: 0, out: '1.2.3\n', error: '' })
})

test('schema is a JSON Schema of the report', async () => {
  const { code, out } = await type('schema')
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'rootless-runtime report',
  })
})

test('setup --script is a script that a shell can read, and setup without a terminal decides nothing', async () => {
  const { code, out } = await type('setup', '--script', '--user', 'rootless-nobody', '--engine', 'podman')
  expect(code).toBe(0)
  expect(spawnSync('sh', ['-n'], { input: out, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  const undecided = await type('setup', '--user', 'rootless-nobody', '--engine', 'podman')
  expect([2, 3]).toContain(undecided.code)
})
