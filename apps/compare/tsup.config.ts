import { readFileSync } from 'node:fs'
import { defineConfig } from 'tsup'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

// One command without dependencies: everything is bundled, and what a command does not need is in a chunk of its own.
export default defineConfig({
  entry: ['src/main.ts'],
  format: 'esm',
  target: 'node22',
  platform: 'node',
  splitting: true,
  clean: true,
  noExternal: [/.*/u],
  // Compiled parts that dockerode and cli-table3 can do without.
  external: ['cpu-features', '*.node', '@colors/colors'],
  define: { TOOL_VERSION: JSON.stringify(version) },
  banner: {
    // CommonJS modules in the bundle ask for `require` and their own place.
    js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module'; import { fileURLToPath as __toPath } from 'node:url'; import { dirname as __toFolder } from 'node:path'; const require = __createRequire(import.meta.url); const __filename = __toPath(import.meta.url); const __dirname = __toFolder(__filename);",
  },
})
