import { defineConfig } from 'vitest/config'

// Tests run on the sources, without a build: the private condition comes first.
const conditions = ['@rootless-runtime/source', 'node', 'import', 'module', 'default']
const resolve = { resolve: { conditions }, ssr: { resolve: { conditions, externalConditions: conditions } } }

const LAB_TESTS = 'test/lab/**/*.lab.test.ts'
const LIVE_TESTS = 'packages/*/test/**/*.live.test.ts'

const project = (name: string, include: readonly string[], timeoutMs: number, exclude: readonly string[] = []) => ({
  ...resolve,
  test: {
    name,
    include: [...include],
    exclude: ['**/node_modules/**', ...exclude],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    pool: 'forks' as const,
  },
})

export default defineConfig({
  test: {
    projects: [
      project(
        'unit',
        ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'test/architecture/**/*.test.ts', 'test/lab/**/*.test.ts'],
        60_000,
        [LAB_TESTS, LIVE_TESTS],
      ),
      // What lands on other machines: the built command and the packed tarballs. Needs a build.
      project('package', ['test/package/**/*.test.ts', 'test/cli/**/*.test.ts'], 120_000),
      // Real engines, as an ordinary user.
      project('live', ['test/live/**/*.test.ts', LIVE_TESTS], 120_000),
      // Run by test/live/examples.test.ts, which gives them an image and an engine.
      project('examples', ['examples/**/*.test.ts'], 120_000),
      // Guests with systemd, one at a time: an emulated one takes the whole machine.
      project('lab', [LAB_TESTS], 900_000),
    ],
  },
})
