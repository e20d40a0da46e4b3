import type { Answer, System } from '../../src/index.ts'

/** A system that has these files and nothing else; only the pure readers of /proc and cgroups are tested with it. */
export function createFileSystem(files: Readonly<Record<string, string>>): System {
  const absent = (path: string): Answer<never> => ({ status: 'absent', reason: `${path}: does not exist` })
  const nothing = (path: string): Promise<Answer<never>> => Promise.resolve(absent(path))
  return {
    environment: {},
    user: { uid: 1000, gid: 1000, name: 'moby', homeDirectory: '/home/moby' },
    readText: (path) => {
      const value = files[path]
      return Promise.resolve(value === undefined ? absent(path) : { status: 'ok', value })
    },
    listDirectory: nothing,
    status: nothing,
    realPath: nothing,
    freeBytes: nothing,
    findExecutable: nothing,
    connect: nothing,
    run: () => Promise.resolve({ status: 'absent', reason: 'no program' }),
  }
}
