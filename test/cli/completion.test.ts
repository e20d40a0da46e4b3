import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

// A real bash completes the built command.

const main = join(import.meta.dirname, '../../apps/compare/dist/main.js')
const folder = mkdtempSync(join(tmpdir(), 'rootless-completion-'))
writeFileSync(join(folder, 'rootless'), `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`, { mode: 0o755 })
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What bash offers after these words; the last one is being typed. */
function complete(...words: string[]): readonly string[] {
  const script = `
    source <(rootless completion bash)
    compopt() { :; }
    COMP_WORDS=(rootless "$@"); COMP_CWORD=$#; COMP_LINE="rootless $*"; COMP_POINT=\${#COMP_LINE}
    _get_comp_words_by_ref() { cur=\${COMP_WORDS[COMP_CWORD]}; prev=\${COMP_WORDS[COMP_CWORD-1]}; words=("\${COMP_WORDS[@]}"); cword=$COMP_CWORD; }
    __rootless_complete
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` }
  const ended = spawnSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8', env })
  if (ended.status !== 0) throw new Error(ended.stderr)
  return ended.stdout.trim().split('\n')
}

test.each([
  [['comp'], ['compare', 'completion']],
  [
    ['inspect', ''],
    ['docker', 'podman', 'lxc'],
  ],
  [['compare', '--format', 'm'], ['markdown']],
  [
    ['compare', '--engine', ''],
    ['docker', 'podman', 'lxc'],
  ],
  [['setup', '--dr'], ['--dry-run']],
  [['r'], ['run', 'rm']],
  [
    ['run', '--memory'],
    ['--memory', '--memory-swap'],
  ],
  [
    ['run', '--engine', ''],
    ['auto', 'docker', 'podman', 'lxc'],
  ],
  [
    ['env', '--format', ''],
    ['shell', 'json'],
  ],
])('bash completes %j', (words, expected) => {
  expect(complete(...words)).toEqual(expected)
})

test.each(['bash', 'zsh', 'fish'])('there is a script for %s', (shell) => {
  const ended = spawnSync(process.execPath, [main, 'completion', shell], { encoding: 'utf8' })
  expect(ended).toMatchObject({ status: 0, stderr: '' })
  expect(ended.stdout).toContain('rootless')
})

test('the script for bash is one that bash can read', () => {
  const { stdout } = spawnSync(process.execPath, [main, 'completion', 'bash'], { encoding: 'utf8' })
  expect(spawnSync('bash', ['-n'], { input: stdout, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
})
