import { readFileSync } from 'node:fs'
import { defineConfig, type Options } from 'tsup'
import { supervisorInside } from '../../packages/lxc/supervisor-inside.ts'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

// The same function, without the 45 ms that the regular expressions for emoji cost at the first width (cli-table3 0.6.5).
const fastWidth: Plugin = {
  name: 'fast-width',
  setup: (build) => {
    build.onLoad({ filter: /\/string-width\/index\.js$/ }, () => ({
      contents: "module.exports = require('fast-string-width').default",
      resolveDir: import.meta.dirname,
    }))
  },
}

// One command without dependencies: everything is bundled, and what a command does not need is in a chunk of its own.
export default defineConfig({
  entry: ['src/main.ts'],
  format: 'esm',
  target: 'node22',
  platform: 'node',
  splitting: true,
  clean: true,
  // The sources of our packages, not what was built of them: one step is enough, and nothing of them can be stale.
  esbuildOptions: (options) => {
    options.conditions = ['@rootless-runtime/source', 'node', 'import']
    // Less to parse at each start; names stay, for whoever reads a stack.
    options.minifyWhitespace = true
    options.minifySyntax = true
  },
  noExternal: [/.*/u],
  // cli-table3 does without it.
  external: ['@colors/colors'],
  esbuildPlugins: [fastWidth, supervisorInside],
  define: { TOOL_VERSION: JSON.stringify(version) },
  banner: {
    // CommonJS modules in the bundle ask for `require` and their own place.
    js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module'; import { fileURLToPath as __toPath } from 'node:url'; import { dirname as __toFolder } from 'node:path'; const require = __createRequire(import.meta.url); const __filename = __toPath(import.meta.url); const __dirname = __toFolder(__filename);",
  },
})
