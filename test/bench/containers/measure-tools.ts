import { openRuntime, type EngineName } from 'rootless-runtime'
import { median } from '../measure.ts'
import { ENGINE_FLOORS } from './engine-floor.ts'
import { TOOLS, type Tool, type ToolsResult } from './results.ts'
import { makeTestRootfs } from './test-image.ts'
import { useDockerode } from './tool-dockerode.ts'
import { useOurs } from './tool-ours.ts'
import { useTestcontainers } from './tool-testcontainers.ts'

const IMAGE = 'rootless-bench:latest'
const ROUNDS = 7
const LINES = 1000
/** Says that it is ready when it has written its log, and ends when it is asked to. */
const COMMAND = ['sh', '-c', `trap 'exit 0' TERM; seq ${LINES}; echo ready; sleep 3600 & wait`]
const EXECUTED = ['sh', '-c', 'echo hello; exit 3']

/** One library at work on one container. Each step gives what shows that it was done. */
export interface ToolContainer {
  exec(command: readonly string[]): Promise<{ readonly exitCode: number; readonly output: string }>
  /** As text, up to a line that ends so. */
  readLog(lastWords: string): Promise<string>
  stopAndRemove(): Promise<void>
}

/** A library that was told where the engine is. Settles when the container has said it. */
export type StartByTool = (image: string, command: readonly string[], saidWhenReady: string) => Promise<ToolContainer>

const STEPS = [
  'start, until a line of its log',
  'exec of a command, its output and exit code',
  'its log of 1,000 lines',
  'stop and remove',
] as const

/** The same work by each library in one process, in turn, over one socket. `null`: an engine that others do not know. */
export async function measureTools(engine: EngineName): Promise<readonly ToolsResult[]> {
  if (ENGINE_FLOORS[engine].socket === null) return []
  const runtime = await openRuntime(engine)
  const rootfs = makeTestRootfs()
  await runtime.images.load(rootfs.path, { reference: IMAGE })
  rootfs.remove()
  const { socketPath } = await ENGINE_FLOORS[engine].prepare()
  // testcontainers' own cleaner is an image of a registry.
  Object.assign(process.env, { DOCKER_HOST: `unix://${socketPath}`, TESTCONTAINERS_RYUK_DISABLED: 'true' })
  const image = ENGINE_FLOORS[engine].image
  const starts: Readonly<Record<Tool, () => Promise<ToolContainer>>> = {
    ours: async () => await useOurs(runtime)(IMAGE, COMMAND, 'ready'),
    dockerode: async () => await useDockerode(image, COMMAND, 'ready'),
    testcontainers: async () => await useTestcontainers(image, COMMAND, 'ready'),
  }
  const times = new Map<string, number[]>()
  // testcontainers lets its logs hold no process.
  const awake = setInterval(() => {}, 1000)
  try {
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const tool of inOrder(round)) {
        const taken = await work(starts[tool])
        // The first round loads the libraries.
        if (round > 0) taken.forEach((milliseconds, step) => note(times, `${step} ${tool}`, milliseconds))
      }
    }
  } finally {
    clearInterval(awake)
    await runtime.images.remove(IMAGE)
  }
  const of = (step: number, tool: Tool): number => median(times.get(`${step} ${tool}`) ?? [])
  return STEPS.map((title, step) => ({
    engine,
    title,
    rounds: ROUNDS,
    milliseconds: { ours: of(step, 'ours'), dockerode: of(step, 'dockerode'), testcontainers: of(step, 'testcontainers') },
  }))
}

function inOrder(round: number): readonly Tool[] {
  return TOOLS.map((_, index) => TOOLS[(index + round) % TOOLS.length] ?? 'ours')
}

function note(times: Map<string, number[]>, key: string, milliseconds: number): void {
  times.set(key, [...(times.get(key) ?? []), milliseconds])
}

/** The milliseconds of each step. */
async function work(start: () => Promise<ToolContainer>): Promise<readonly number[]> {
  const marks = [performance.now()]
  const container = await start()
  marks.push(performance.now())
  const { exitCode, output } = await container.exec(EXECUTED)
  if (exitCode !== 3 || output !== 'hello\n')
    throw new Error(`the command said ${JSON.stringify(output)} and ended with ${exitCode}`)
  marks.push(performance.now())
  const lines = (await container.readLog('ready\n')).split('\n')
  if (lines.length !== LINES + 2) throw new Error(`the log has ${lines.length} lines`)
  marks.push(performance.now())
  await container.stopAndRemove()
  marks.push(performance.now())
  return marks.slice(1).map((mark, index) => mark - (marks[index] ?? 0))
}
