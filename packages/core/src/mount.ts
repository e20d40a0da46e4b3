/** One line of /proc/self/mountinfo. */
export interface Mount {
  readonly mountPoint: string
  /** As the kernel names it: `ext4`, `overlay`, `cgroup2`. */
  readonly type: string
  readonly options: readonly string[]
  readonly superOptions: readonly string[]
}

/** The lines of /proc/self/mountinfo that can be read (proc(5)); blanks in paths are written `\040`. */
export function parseMountInfo(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ', 2)
    const mountPoint = left.split(' ')[4]
    const options = left.split(' ')[5]
    const [type, , superOptions] = right.split(' ')
    if (mountPoint === undefined || options === undefined || type === undefined || type === '') return []
    return [
      { mountPoint: unescapeOctal(mountPoint), type, options: options.split(','), superOptions: (superOptions ?? '').split(',') },
    ]
  })
}

function unescapeOctal(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/gu, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** The mount that holds a path: the longest mount point that leads to it, and of those the last one mounted. */
export function findMount(mounts: readonly Mount[], path: string): Mount | undefined {
  const holding = mounts.filter(
    ({ mountPoint }) => mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`),
  )
  return holding.reduce<Mount | undefined>(
    (best, mount) => (best && best.mountPoint.length > mount.mountPoint.length ? best : mount),
    undefined,
  )
}
