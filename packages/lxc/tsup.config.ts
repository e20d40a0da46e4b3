import { defineConfig } from 'tsup'

export default defineConfig({
  // The supervisor is a program of its own: the driver finds it beside itself.
  entry: { index: 'src/index.ts', 'lxc-supervisor': 'src/supervisor/lxc-supervisor.ts' },
  format: 'esm',
  target: 'node22',
  platform: 'node',
  clean: true,
})
