import { isUser, SETUP_USER } from '../become.ts'
import { EXIT, type Io } from '../io.ts'
import { compare, type CompareOptions } from './compare.ts'

export interface StartOptions extends CompareOptions {
  readonly yes?: boolean
}

/**
 * `rootless start`: the whole way of a newcomer. With `--yes` the host is set up first; then the matrix, as the ordinary user
 * who has the engines.
 */
export async function start(options: StartOptions, io: Io): Promise<number> {
  const isRoot = io.userId === 0
  const user = options.user ?? SETUP_USER
  if (options.yes === true) {
    const { setup } = await import('./setup.ts')
    const code = await setup(
      { yes: true, ...(isRoot && { user }), ...(options.engine && { engine: options.engine }) },
      { ...io, out: io.error },
    )
    if (code !== EXIT.fine && isRoot) return code
  }
  const asUser = isRoot && (options.user !== undefined || (await isUser(user, io)))
  const code = await compare({ ...options, ...(asUser && { user }) }, io)
  if (options.yes !== true) {
    const command = isRoot ? 'npx -y pnpm@12 start --yes' : `sudo npx -y pnpm@12 start --yes --user ${io.userName}`
    io.error.write(`\nto set up what is missing: ${command}\n`)
  }
  return code
}
