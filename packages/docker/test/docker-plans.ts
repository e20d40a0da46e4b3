import { createLocalSystem } from '@rootless-runtime/host'
import { RootlessError, type ContainerPlan, type EngineDriver, type ExecPlan } from '@rootless-runtime/core'
import { openDockerDriver } from '../src/docker-driver.ts'

/** A container that runs nothing in particular. */
export const PLAN: ContainerPlan = {
  name: 'rootless-runtime-test',
  image: 'busybox',
  entrypoint: null,
  command: ['true'],
  environment: {},
  workdir: null,
  user: null,
  hostname: null,
  labels: {},
  limits: { memoryBytes: null, swapBytes: null, cpus: null, pids: null, cpuset: null, ioWeight: null },
  ports: [],
  network: 'none',
  mounts: [],
  readOnlyRoot: false,
  dropCapabilities: [],
  secrets: {},
  terminal: false,
  stdin: false,
  stopSignal: null,
}

/** A command inside. */
export function execOf(command: readonly string[], changes: Partial<ExecPlan> = {}): ExecPlan {
  return { command, environment: {}, workdir: null, user: null, terminal: false, stdin: false, ...changes }
}

/** A driver of whatever listens there. */
export function openDriver(socketPath: string, timeoutMs: number): Promise<EngineDriver> {
  const capabilities = (): never => {
    throw new RootlessError('NOT_SUPPORTED', 'no limits are asked for here')
  }
  return openDockerDriver({ machine: createLocalSystem(), timeoutMs, capabilities }, () =>
    Promise.resolve({ socketPath, cgroupDriver: 'none' }),
  )
}
