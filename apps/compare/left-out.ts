import type { Options } from 'tsup'

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

/**
 * What dockerode loads for SSH, TLS, BuildKit and building, none of which this command does: 60 MB of memory, 30 ms, and compiled
 * parts. Left out, it is an empty object; whoever touched it would get a TypeError.
 */
export const leftOut: Plugin = {
  name: 'left-out',
  setup: (build) => {
    const unused = /^(?:ssh2|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs|tar-fs|@balena\/dockerignore|split-ca)$/
    build.onResolve({ filter: unused }, ({ path }) => ({ path, namespace: 'left-out' }))
    // Of Node's own, and of dockerode's: what only those need.
    build.onResolve({ filter: /^(?:https|crypto|zlib|\.\/session|\.\/buildkit)$/ }, ({ path, importer }) =>
      /\/(?:dockerode|docker-modem)\/lib\//.test(importer) ? { path, namespace: 'left-out' } : undefined,
    )
    // A copy of what Node has itself.
    build.onResolve({ filter: /^readable-stream$/ }, () => ({ path: 'node:stream', external: true }))
    build.onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'module.exports = {}' }))
  },
}
