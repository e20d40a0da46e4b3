import { printable, RootlessError, type Container, type ContainerOptions, type RootlessRuntime } from 'rootless-runtime'
import { becomeOwner } from '../become.ts'
import { chooseEngine, type EngineWords } from '../containers/engines.ts'
import { passStreams, type PassedStreams } from '../containers/pass-streams.ts'
import { findOwnProgram, removeLater } from '../containers/remove-later.ts'
import { provideImage, type PullChoice } from '../containers/provide-image.ts'
import { toRunExit, toSignalExit } from '../containers/run-exit.ts'
import { takeSignals, type RunSignals } from '../containers/run-signals.ts'
import { tellContainerError } from '../containers/tell-container-error.ts'
import { toContainerOptions, type ContainerWords } from '../containers/to-container-options.ts'
import { untilAborted } from '../containers/until-aborted.ts'
import { EXIT, type Io } from '../io.ts'

export interface RunWords extends ContainerWords, EngineWords {
  readonly pull: PullChoice
  readonly verbose?: boolean
  readonly asUser?: string
}

/** `rootless run IMAGE [COMMAND...]`: its exit code is the command's. */
export async function run(image: string, command: readonly string[], words: RunWords, io: Io): Promise<number> {
  const signals = takeSignals(io.foreground)
  try {
    await becomeOwner(words.asUser, '--as-user', io)
    checkWords(words, io)
    const options = await toContainerOptions(image, command, words, io)
    const runtime = await prepare(options, words, signals, io)
    if (words.detach === true) return await runDetached(runtime, options, { words, signals, io })
    return await runHere(runtime, options, { words, signals, io })
  } catch (error) {
    const endedBy = signals.endedBy()
    if (endedBy !== null && isAborted(error)) return toSignalExit(endedBy)
    if (signals.signal.aborted && isAborted(error)) return EXIT.fine
    tellContainerError(error, io)
    return toRunExit(error)
  } finally {
    signals.release()
  }
}

function isAborted(error: unknown): boolean {
  return error instanceof RootlessError && error.code === 'ABORTED'
}

function checkWords(words: RunWords, io: Io): void {
  if (words.interactive === true && words.tty === true && !io.foreground.inputIsTerminal)
    throw new RootlessError('INVALID_ARGUMENT', '-it needs a terminal, and stdin is none: use -i alone')
}

async function prepare(options: ContainerOptions, words: RunWords, signals: RunSignals, io: Io): Promise<RootlessRuntime> {
  const { signal } = signals
  const { runtime, why } = await untilAborted(chooseEngine(options, words, signal), signal)
  if (words.verbose === true) for (const line of [...why, `runs on ${runtime.engine}`]) io.error.write(`${printable(line)}\n`)
  await untilAborted(provideImage(runtime, options.image, { pull: words.pull, signal, io }), signal)
  return runtime
}

async function runDetached(
  runtime: RootlessRuntime,
  options: ContainerOptions,
  { words, signals, io }: Running,
): Promise<number> {
  const program = words.rm === true ? await findOwnProgram() : null
  const container = await runtime.containers.run(options, { signal: signals.signal })
  try {
    if (program !== null) await removeLater(container, program)
  } catch (error) {
    await container.remove({ force: true })
    throw error
  }
  tellLimits(container, io)
  io.out.write(`${container.id}\n`)
  return EXIT.fine
}

interface Running {
  readonly words: RunWords
  readonly signals: RunSignals
  readonly io: Io
}

async function runHere(runtime: RootlessRuntime, options: ContainerOptions, running: Running): Promise<number> {
  const { words, signals, io } = running
  const container = await runtime.containers.create(options, { signal: signals.signal })
  const passed = await startOrRemove(container, running)
  try {
    const exitCode = await awaitEnd(container, passed, signals)
    passed.release()
    if (options.limits?.memoryBytes !== undefined) await tellMemory(container, exitCode, io)
    return exitCode
  } finally {
    passed.release()
    signals.hold()
    if (words.rm === true) await container.remove({ force: true })
  }
}

/** Attached before it starts, so that nothing is lost; removed, with or without --rm, when it does not start. */
async function startOrRemove(container: Container, { words, signals, io }: Running): Promise<PassedStreams> {
  let passed: PassedStreams | undefined
  try {
    const inside = await container.attach({ signal: signals.signal })
    passed = passStreams(inside, {
      foreground: io.foreground,
      terminal: words.tty === true,
      input: words.interactive === true,
    })
    signals.keep()
    await container.start({ signal: signals.signal })
    signals.signal.throwIfAborted()
    passed.begin()
    signals.passTo(container, passed.resize)
    passed.resize()
    tellLimits(container, io)
    return passed
  } catch (error) {
    signals.hold()
    passed?.release()
    await container.remove({ force: true })
    if (signals.signal.aborted) throw new RootlessError('ABORTED', 'ended by a signal', { cause: error })
    throw error
  }
}

/** The exit code of the command; that of the signal when the container had to be ended; none of a reader's who has gone. */
async function awaitEnd(container: Container, passed: PassedStreams, signals: RunSignals): Promise<number> {
  const gone = signals.readerGone.then(async () => {
    await container.kill('SIGKILL').catch(() => {})
    return EXIT.fine
  })
  const exitCode = await Promise.race([passed.ended, gone])
  const endedBy = signals.endedBy()
  return endedBy === null ? exitCode : toSignalExit(endedBy)
}

/** With `--if-unenforceable warn` it runs all the same, and this is the warning. */
function tellLimits({ limits }: Container, io: Io): void {
  for (const { status, asked, evidence } of limits) {
    if (status === 'applied') continue
    const verdict = status === 'unknown' ? 'nobody could see whether it is applied' : 'not applied'
    io.error.write(`rootless: warning: ${printable(asked)}: ${verdict}: ${printable(evidence)}\n`)
  }
}

async function tellMemory(container: Container, exitCode: number, io: Io): Promise<void> {
  if (exitCode !== toSignalExit('SIGKILL')) return
  const { outOfMemory } = await container.wait()
  if (outOfMemory.status === 'known' && outOfMemory.value)
    io.error.write('rootless: the kernel ended it: it had used up its memory\n')
}
