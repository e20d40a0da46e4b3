const MINIMUM = [22, 18] as const

/** What to say to a Node that is too old to run this command, or `undefined`. */
export function tellOldNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return undefined
  return `rootless: needs Node ${MINIMUM.join('.')} or later, and this is ${version}.\nIn a clone: npx -y pnpm@12 exec node apps/compare/dist/main.js\n`
}
