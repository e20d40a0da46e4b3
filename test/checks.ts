import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { FAILED, PASSED, readCount, type Count } from './count.ts'

// What every part of the tests is run by.

export const root = join(import.meta.dirname, '..')
const results = mkdtempSync(join(tmpdir(), 'rootless-test-'))
process.once('exit', () => rmSync(results, { recursive: true, force: true }))

/** Files share the engines, and see to it that nothing is left in them. */
export const ONE_AFTER_ANOTHER = ['--no-file-parallelism']

export function say(text: string): void {
  process.stdout.write(`\n${text}\n`)
}

export function run(command: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<number> {
  const [file = '', ...words] = command
  return new Promise((resolve) => {
    const env = { ...process.env, ...environment }
    const child = spawn(file, words, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env })
    child.once('error', (error) => {
      say(`${file}: ${error.message}`)
      resolve(127)
    })
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

/** A command that passes or fails as a whole. */
export async function check(title: string, command: readonly string[]): Promise<Count> {
  say(`== ${title}`)
  const code = await run(command)
  if (code !== 0) say(`failed: ${title} (exit code ${code})`)
  return code === 0 ? PASSED : FAILED
}

export function vitest(project: string, output: string): readonly string[] {
  // A suite of the lab takes an hour: it tells each test when it has ended, the others each file.
  const reporters = [`--reporter=${project === 'lab' ? 'verbose' : 'default'}`, '--reporter=json', `--outputFile.json=${output}`]
  // The folder may belong to somebody else: the configuration is loaded as it is, and nothing is written beside it.
  return [
    process.execPath,
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    project,
    '--configLoader',
    'native',
    ...reporters,
  ]
}

export async function runProject(
  project: string,
  words: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
  title = project,
): Promise<Count> {
  say(`== vitest: ${title}`)
  const output = join(results, `${basename(title)}.json`)
  return readCount(output, await run([...vitest(project, output), ...words], environment))
}
