import { fileURLToPath } from 'node:url'

/** The supervisor's program: a file beside this source or, where this was built (`supervisor-inside.ts`), its text. */
export const SUPERVISOR_PROGRAM: { readonly file: string } | { readonly text: string } = {
  file: fileURLToPath(new URL('./supervisor/lxc-supervisor.ts', import.meta.url)),
}
