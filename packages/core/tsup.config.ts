import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/schema.ts', 'src/http.ts'],
  format: 'esm',
  target: 'node22',
  platform: 'node',
  clean: true,
})
