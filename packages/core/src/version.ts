/** Whether a version such as `20.10.24+dfsg1` or `5.0.0-rc1` is at least MAJOR.MINOR. What is no version is not. */
export function isAtLeastVersion(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.', 2).map((part) => Number.parseInt(part, 10))
  return ownMajor > major || (ownMajor === major && ownMinor >= minor)
}
