import { spawnSync } from 'node:child_process'
import { ENGINE_NAMES } from 'rootless-runtime'
import { expect, test } from 'vitest'
import { runCli } from '../src/cli.ts'
import { ENGINES } from '../src/options.ts'
import { createIo } from './fake-io.ts'

const CONTAINER_COMMANDS = ['run', 'ps', 'exec', 'logs', 'stats', 'stop', 'rm', 'cp', 'load', 'images', 'sweep', 'env']

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

test.each([
  [['run'], "missing required argument 'image'"],
  [['run', '--nope', 'busybox'], "unknown option '--nope'"],
  [['run', '--memory', 'much', 'busybox'], '--memory "much": a size is'],
  [['run', '-p', '80/sctp', 'busybox'], 'the protocol is tcp or udp'],
  [['run', '-v', '/a', 'busybox'], 'SOURCE:TARGET'],
  [['run', '-it', 'busybox'], '-it needs a terminal'],
  [['run', '--engine', 'rkt', 'busybox'], 'Engines are docker, podman, lxc.'],
  [['run', '--pull', 'perhaps', 'busybox'], 'Allowed choices are missing, always, never'],
  [['run', '--volume-owner', 'root', 'busybox'], 'Allowed choices are me'],
  [['run', '--if-unenforceable', 'ignore', 'busybox'], 'Allowed choices are throw, warn'],
  [['exec', 'web'], "missing required argument 'command'"],
  [['exec', '-e', '=x', 'web', 'true'], 'a variable needs a name'],
])('%j is wrong use: 125, so that no command is blamed for it', async (words, message) => {
  const { code, out, error } = await type(...words)
  expect({ code, out }).toEqual({ code: 125, out: '' })
  expect(error).toContain(message)
})

test.each([
  [['stop'], "missing required argument 'containers'"],
  [['stop', '-t', 'soon', 'web'], '-t "soon"'],
  [['cp', 'a', 'b'], 'one side is CONTAINER:PATH'],
  [['cp', 'a:/x', 'b:/y'], 'one side is CONTAINER:PATH'],
  [['cp', ':/x', 'b'], 'CONTAINER:PATH'],
  [['logs', '--since', 'yesterday', 'web'], '--since "yesterday"'],
  [['ps', '-l', '=x'], 'a label needs a name'],
  [['load'], "missing required argument 'file'"],
  [['env', '--format', 'fish'], 'Allowed choices are shell, json'],
])('%j is wrong use', async (words, message) => {
  const { code, out, error } = await type(...words)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(error).toContain(message)
})

test('a terminal is not rewritten by what was typed', async () => {
  const { error } = await type('run', '--\u001b[2Jnope', 'busybox')
  expect(error).not.toContain('\u001b')
})

test('no word at all shows the help as an error', async () => {
  const { code, out, error } = await type()
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(error).toContain('Usage: rootless')
})

test.each(
  [[], ['compare'], ['inspect'], ['host'], ['setup'], ['start'], ...CONTAINER_COMMANDS.map((name) => [name])].map((words) => [
    [...words, '--help'],
  ]),
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
