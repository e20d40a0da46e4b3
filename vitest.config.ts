import { defineConfig } from 'vitest/config'

// Tests run on the sources, without a build: the private condition comes first.
const conditions = ['@rootless-runtime/source', 'node', 'import', 'module', 'default']
const resolve = { resolve: { conditions }, ssr: { resolve: { conditions, externalConditions: conditions } } }

const project = (name: string, include: readonly string[], timeoutMs: number) => ({
  ...resolve,
  test: { name, include: [...include], testTimeout: timeoutMs, hookTimeout: timeoutMs, pool: 'forks' as const },
})

export default defineConfig({
  test: {
    projects: [
      project('unit', ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'test/architecture/**/*.test.ts'], 60_000),
      // What lands on other machines: the built command and the packed tarballs. Needs a build.
      project('package', ['test/package/**/*.test.ts', 'test/cli/**/*.test.ts'], 120_000),
      // Real engines, as an ordinary user.
      project('live', ['test/live/**/*.test.ts'], 120_000),
    ],
  },
})
