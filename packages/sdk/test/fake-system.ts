import { Duplex } from 'node:stream'
import type { Answer, Command, CommandAnswer, EngineName, System } from '../src/index.ts'

const LXC_PATH = '/home/moby/.local/share/lxc'
const LXC_CONFIG = '/home/moby/.config/lxc/default.conf'
const LXC_FILES: ReadonlyMap<string, string> = new Map([
  [
    LXC_CONFIG,
    `lxc.net.0.type = veth
lxc.net.0.link = lxcbr0
lxc.idmap = u 0 100000 65536
lxc.idmap = g 0 100000 65536
`,
  ],
  ['/etc/subuid', 'moby:100000:65536\n'],
  ['/etc/subgid', 'moby:100000:65536\n'],
  ['/proc/self/mountinfo', '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n'],
])

/** A System on which nothing is there, as an object literal. */
export function createAbsentSystem(changes: Partial<System> = {}): System {
  const absent = (path: string): Promise<Answer<never>> =>
    Promise.resolve({ status: 'absent', reason: `${path}: does not exist` })
  return {
    environment: { PATH: '/usr/bin', HOME: '/home/moby', XDG_RUNTIME_DIR: '/run/user/1000' },
    user: { uid: 1000, gid: 1000, name: 'moby', homeDirectory: '/home/moby' },
    readText: absent,
    listDirectory: absent,
    status: absent,
    realPath: absent,
    freeBytes: absent,
    findExecutable: absent,
    connect: absent,
    run: ({ file }) => Promise.resolve({ status: 'absent', reason: `${file}: the program does not exist` }),
    ...changes,
  }
}

/** A System on which whatever is asked is there and cannot be read. */
export function createFailingSystem(): System {
  const fail = (): Promise<Answer<never>> => Promise.resolve({ status: 'failed', reason: 'input/output error' })
  return createAbsentSystem({
    readText: fail,
    listDirectory: fail,
    status: fail,
    realPath: fail,
    freeBytes: fail,
    findExecutable: (name) => Promise.resolve({ status: 'ok', value: `/usr/bin/${name}` }),
    connect: fail,
    run: () => Promise.resolve({ status: 'failed', reason: 'ended by SIGSEGV', stdout: '', stderr: '' }),
  })
}

/** A System with a working LXC 5.0.2 and nothing else. */
export function createLxcSystem(changes: Partial<System> = {}): System {
  const absent = createAbsentSystem()
  return createAbsentSystem({
    findExecutable: (name) =>
      name.startsWith('lxc-') ? Promise.resolve({ status: 'ok', value: `/usr/bin/${name}` }) : absent.findExecutable(name),
    readText: (path) => {
      const value = LXC_FILES.get(path)
      return value === undefined ? absent.readText(path) : Promise.resolve({ status: 'ok', value })
    },
    realPath: (path) => Promise.resolve({ status: 'ok', value: path }),
    run: (command) => answerLxc(command) ?? absent.run(command),
    ...changes,
  })
}

function answerLxc({ file, arguments: words }: Command): Promise<CommandAnswer> | undefined {
  const say = (stdout: string): Promise<CommandAnswer> =>
    Promise.resolve({ status: 'exited', exitCode: 0, stdout: `${stdout}\n`, stderr: '' })
  if (file.endsWith('lxc-start') && words[0] === '--version') return say('5.0.2')
  if (!file.endsWith('lxc-config')) return undefined
  return say(words[0] === 'lxc.lxcpath' ? LXC_PATH : LXC_CONFIG)
}

const never = <Value>(): Promise<Value> => new Promise(() => {})
const isOf = (engine: string, { file }: Command): boolean => (file.split('/').at(-1) ?? '').startsWith(engine)

/** What hangs on the host of each engine: a command that its time limit does not end, or a socket that never answers. */
export const HANGING: Readonly<Record<EngineName, (system: System) => System>> = {
  docker: (system) => ({
    ...system,
    connect: (path, options) =>
      path.endsWith('docker.sock')
        ? Promise.resolve({ status: 'ok', value: new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() }) })
        : system.connect(path, options),
  }),
  podman: (system) => ({
    ...system,
    findExecutable: (name) =>
      name === 'podman' ? Promise.resolve({ status: 'ok', value: '/usr/bin/podman' }) : system.findExecutable(name),
    run: (command) => (isOf('podman', command) ? never() : system.run(command)),
  }),
  lxc: (system) => ({
    ...system,
    findExecutable: (name) =>
      name.startsWith('lxc-') ? Promise.resolve({ status: 'ok', value: `/usr/bin/${name}` }) : system.findExecutable(name),
    run: (command) => (isOf('lxc', command) ? never() : system.run(command)),
  }),
}
