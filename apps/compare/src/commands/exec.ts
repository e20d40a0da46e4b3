import { RootlessError } from 'rootless-runtime'
import { becomeOwner } from '../become.ts'
import { findContainer, type EngineWords } from '../containers/engines.ts'
import { parseVariables } from '../containers/parse-environment.ts'
import { passStreams } from '../containers/pass-streams.ts'
import { toRunExit, toSignalExit } from '../containers/run-exit.ts'
import { takeSignals } from '../containers/run-signals.ts'
import { tellContainerError } from '../containers/tell-container-error.ts'
import { untilAborted } from '../containers/until-aborted.ts'
import { EXIT, type Io } from '../io.ts'

export interface ExecWords extends EngineWords {
  readonly interactive?: boolean
  readonly tty?: boolean
  readonly env?: readonly string[]
  readonly workdir?: string
  readonly user?: string
  readonly asUser?: string
}

/** `rootless exec CONTAINER COMMAND...`: its exit code is the command's. A signal ends it, and leaves the container alone. */
export async function exec(name: string, command: readonly string[], words: ExecWords, io: Io): Promise<number> {
  const { foreground } = io
  const signals = takeSignals(foreground)
  const { signal } = signals
  try {
    await becomeOwner(words.asUser, '--as-user', io)
    const terminal = words.tty === true
    const input = words.interactive === true
    if (terminal && input && !foreground.inputIsTerminal)
      throw new RootlessError('INVALID_ARGUMENT', '-it needs a terminal, and stdin is none: use -i alone')
    const environment = parseVariables('-e', words.env ?? [], io.environment)
    const container = await untilAborted(findContainer(name, words), signal)
    const inside = await container.open(command, {
      terminal,
      signal,
      ...(Object.keys(environment).length > 0 && { environment }),
      ...(words.workdir !== undefined && { workdir: words.workdir }),
      ...(words.user !== undefined && { user: words.user }),
    })
    const passed = passStreams(inside, { foreground, terminal, input })
    passed.begin()
    signals.watchSize(passed.resize)
    try {
      passed.resize()
      return await untilAborted(passed.ended, signal)
    } finally {
      passed.release()
    }
  } catch (error) {
    const endedBy = signals.endedBy()
    if (endedBy !== null) return toSignalExit(endedBy)
    if (signal.aborted) return EXIT.fine
    tellContainerError(error, io)
    return toRunExit(error)
  } finally {
    signals.release()
  }
}
