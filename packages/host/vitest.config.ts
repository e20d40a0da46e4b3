import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['@rootless-runtime/source'] },
  ssr: { resolve: { conditions: ['@rootless-runtime/source', 'node', 'import', 'default'] } },
})
