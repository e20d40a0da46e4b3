import { PassThrough, Writable, type Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { ContainerProcess } from 'rootless-runtime'
import { describe, expect, test } from 'vitest'
import { passStreams } from '../src/containers/pass-streams.ts'
import { takeSignals, type SignalTarget } from '../src/containers/run-signals.ts'
import type { Foreground, ForegroundHandlers } from '../src/io.ts'

// The streams of a process inside and of this process are Node's own; which engine is behind them makes no difference here.

interface Inside extends ContainerProcess {
  readonly stdin: PassThrough
  readonly stdout: PassThrough
  readonly stderr: PassThrough
  readonly end: (exitCode: number) => void
  readonly sizes: unknown[]
}

function createInside(): Inside {
  const ended = Promise.withResolvers<number>()
  const sizes: unknown[] = []
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
  return {
    ...streams,
    ended: ended.promise,
    sizes,
    resize: async (size) => void sizes.push(size),
    end: (exitCode) => {
      streams.stdout.end()
      streams.stderr.end()
      ended.resolve(exitCode)
    },
  }
}

interface Terminal extends Foreground {
  readonly raw: boolean[]
  readonly handlers: () => ForegroundHandlers
}

function createTerminal(change: Partial<Foreground> = {}): Terminal {
  let taken: ForegroundHandlers | undefined
  const raw: boolean[] = []
  const stdin = new PassThrough()
  return {
    stdin: () => stdin,
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    inputIsTerminal: true,
    size: () => ({ columns: 80, rows: 24 }),
    setRaw: (on) => void raw.push(on),
    take: (handlers) => {
      taken = handlers
      return () => {}
    },
    raw,
    handlers: () => {
      if (taken === undefined) throw new Error('nobody has taken the signals')
      return taken
    },
    ...change,
  }
}

const read = (stream: Writable): Promise<Buffer> => {
  if (!(stream instanceof PassThrough)) throw new Error('this stream cannot be read')
  return buffer(stream as Readable)
}

test('stdout and stderr stay apart, byte for byte, and the exit code comes after the last of them', async () => {
  const inside = createInside()
  const foreground = createTerminal()
  const { begin, ended } = passStreams(inside, { foreground, terminal: false, input: false })
  begin()
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  inside.stdout.write(every)
  inside.stderr.write('said')
  inside.end(3)
  expect(await ended).toBe(3)
  foreground.stdout.end()
  foreground.stderr.end()
  expect(await read(foreground.stdout)).toEqual(every)
  expect((await read(foreground.stderr)).toString()).toBe('said')
})

test('what is said before anything has started is not written', async () => {
  const inside = createInside()
  const foreground = createTerminal()
  passStreams(inside, { foreground, terminal: false, input: false }).release()
  inside.stderr.write('lxc-start: it failed')
  inside.stderr.destroy(new Error('it is gone'))
  await new Promise((resolve) => setTimeout(resolve, 10))
  foreground.stderr.end()
  expect((await read(foreground.stderr)).length).toBe(0)
})

test('a reader that is slow holds the command up', async () => {
  const inside = createInside()
  const foreground = createTerminal({ stdout: new Writable({ write: () => {} }) })
  passStreams(inside, { foreground, terminal: false, input: false }).begin()
  let written = 0
  while (written < 64 * 1024 ** 2 && inside.stdout.write(Buffer.alloc(65_536))) written += 65_536
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(written).toBeLessThan(1024 ** 2)
})

test('a reader that has gone is no failure here', async () => {
  const inside = createInside()
  const broken = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  })
  const { begin, ended } = passStreams(inside, { foreground: createTerminal({ stdout: broken }), terminal: false, input: false })
  begin()
  inside.stdout.write('x')
  inside.end(0)
  expect(await ended).toBe(0)
})

test('stdin is passed on and ends; without -i it has ended', async () => {
  const [open, closed] = [createInside(), createInside()]
  const foreground = createTerminal()
  passStreams(open, { foreground, terminal: false, input: true })
  passStreams(closed, { foreground, terminal: false, input: false })
  const stdin = foreground.stdin()
  if (stdin instanceof PassThrough) stdin.end('typed')
  expect((await buffer(open.stdin)).toString()).toBe('typed')
  expect((await buffer(closed.stdin)).length).toBe(0)
})

test.each([
  [true, true, [true, false]],
  [true, false, []],
  [false, true, []],
])('with terminal %s and input %s the keys are %j raw', (terminal, input, expected) => {
  const foreground = createTerminal()
  passStreams(createInside(), { foreground, terminal, input }).release()
  expect(foreground.raw).toEqual(expected)
})

test('the size of the terminal is told only to a terminal', () => {
  const [terminal, none] = [createInside(), createInside()]
  passStreams(terminal, { foreground: createTerminal(), terminal: true, input: false }).resize()
  passStreams(none, { foreground: createTerminal(), terminal: false, input: false }).resize()
  expect([terminal.sizes, none.sizes]).toEqual([[{ columns: 80, rows: 24 }], []])
})

describe('signals', () => {
  // Without a process to look at, it may hear everything.
  const createTarget = (pid: number | null = null): { readonly container: SignalTarget; readonly sent: string[] } => {
    const sent: string[] = []
    return { container: { kill: async (name) => void sent.push(name), inspect: async () => ({ pid }) }, sent }
  }

  test('before the container runs, the first one ends everything and is what it ends with', () => {
    const foreground = createTerminal()
    const signals = takeSignals(foreground)
    foreground.handlers().onSignal('SIGUSR1')
    expect(signals.signal.aborted).toBe(false)
    foreground.handlers().onSignal('SIGTERM')
    foreground.handlers().onSignal('SIGINT')
    expect([signals.signal.aborted, signals.endedBy()]).toEqual([true, 'SIGTERM'])
  })

  test('while it starts they wait, and come in their order', async () => {
    const foreground = createTerminal()
    const signals = takeSignals(foreground)
    const { container, sent } = createTarget()
    signals.keep()
    for (const name of ['SIGUSR1', 'SIGTERM'] as const) foreground.handlers().onSignal(name)
    expect([signals.signal.aborted, sent]).toEqual([false, []])
    signals.passTo(container, () => {})
    await expect.poll(() => [sent, signals.signal.aborted]).toEqual([['SIGUSR1', 'SIGTERM'], false])
  })

  test('while it runs they are passed on; the third one of an impatient person ends it', async () => {
    const foreground = createTerminal()
    const signals = takeSignals(foreground)
    const { container, sent } = createTarget()
    signals.passTo(container, () => {})
    for (const name of ['SIGUSR1', 'SIGINT', 'SIGINT'] as const) foreground.handlers().onSignal(name)
    await expect.poll(() => [sent, signals.endedBy()]).toEqual([['SIGUSR1', 'SIGINT', 'SIGINT'], null])
    foreground.handlers().onSignal('SIGINT')
    await expect.poll(() => [sent.at(-1), signals.endedBy()]).toEqual(['SIGKILL', 'SIGINT'])
    expect(signals.signal.aborted).toBe(false)
  })

  test('a process that throws a signal away is ended at once', async () => {
    const foreground = createTerminal()
    const signals = takeSignals(foreground)
    // This process has no handler for SIGHUP.
    const { container, sent } = createTarget(process.pid)
    signals.passTo(container, () => {})
    foreground.handlers().onSignal('SIGHUP')
    await expect.poll(() => [sent, signals.endedBy()]).toEqual([['SIGKILL'], 'SIGHUP'])
  })

  test('while it is cleaned up, nothing changes', () => {
    const foreground = createTerminal()
    const signals = takeSignals(foreground)
    signals.hold()
    foreground.handlers().onSignal('SIGTERM')
    expect([signals.signal.aborted, signals.endedBy()]).toEqual([false, null])
  })
})
