import { defineConfig } from 'tsup'
import { supervisorInside } from './supervisor-inside.ts'

export default defineConfig({
  entry: ['src/index.ts'],
  format: 'esm',
  target: 'node22',
  platform: 'node',
  clean: true,
  esbuildPlugins: [supervisorInside],
})
