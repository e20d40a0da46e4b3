import type { EngineName } from './engine.ts'
import type { Fix } from './finding.ts'

/** The fix of what `rootless setup` knows how to do; for one engine, or for the host that all of them need. */
export function setupFix(summary: string, engine?: EngineName): Fix {
  return {
    summary,
    commands: [['rootless', 'setup', ...(engine === undefined ? [] : ['--engine', engine])]],
    needsRoot: true,
    undo: 'each step that `rootless setup --dry-run` prints says how it is undone',
    check: ['rootless', 'compare'],
  }
}
