import { dirname, join } from 'node:path'
import type { Options } from 'tsup'

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

/**
 * Puts the text of LXC's supervisor, a program of its own, in place of the name of its file. A process that root started out of a
 * closed folder, and that became an ordinary user, can start it then: no file has to be read any more.
 */
export const supervisorInside: Plugin = {
  name: 'supervisor-inside',
  setup: (build) => {
    build.onLoad({ filter: /\/lxc-supervisor-program\.ts$/ }, async ({ path }) => {
      const { outputFiles } = await build.esbuild.build({
        entryPoints: [join(dirname(path), 'supervisor/lxc-supervisor.ts')],
        bundle: true,
        write: false,
        format: 'esm',
        target: 'node22',
        platform: 'node',
        minifyWhitespace: true,
        conditions: ['@rootless-runtime/source', 'node', 'import'],
      })
      return { contents: `export const SUPERVISOR_PROGRAM = { text: ${JSON.stringify(outputFiles[0]?.text)} }`, loader: 'js' }
    })
  },
}
