import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { behaviour } from './behaviour.ts'
import { collectBytes, collectProcess } from './collect.ts'

const SIZE = { columns: 91, rows: 37 }

/** Terminals: of a container's own command, and of commands inside. */
export const TERMINAL = {
  'terminal-exec': behaviour('a command inside that was given a terminal has one', async (bench) => {
    const process = await (
      await bench.shared()
    ).open(['sh', '-c', 'test -t 0 && test -t 1 && test -t 2 && echo terminal'], { terminal: true })
    const { stdout, exitCode } = await collectProcess(process)
    expect([stdout.toString(), exitCode]).toEqual(['terminal\r\n', 0])
  }),
  'terminal-none': behaviour('a command inside has no terminal unless told', async (bench) => {
    const { stdout } = await (
      await bench.shared()
    ).exec(['sh', '-c', 'for n in 0 1 2; do test -t $n && echo $n; done; echo none'])
    expect(stdout).toBe('none\n')
  }),
  'terminal-one-stream': behaviour('stdout and stderr of a terminal come as one', async (bench) => {
    const process = await (await bench.shared()).open(['sh', '-c', 'echo out; echo err >&2'], { terminal: true })
    const { stdout, stderr } = await collectProcess(process)
    expect([stdout.toString(), stderr.toString()]).toEqual(['out\r\nerr\r\n', ''])
  }),
  'terminal-exit-code': behaviour('a command of a terminal tells its exit code', async (bench) => {
    const process = await (await bench.shared()).open(['sh', '-c', 'exit 13'], { terminal: true })
    expect((await collectProcess(process)).exitCode).toBe(13)
  }),
  'terminal-resize': behaviour('a terminal has the size that it is given', async (bench) => {
    const script = 'read line; stty size; read line; stty size'
    const process = await (await bench.shared()).open(['sh', '-c', script], { terminal: true })
    const output = collectProcess(process)
    await process.resize(SIZE)
    process.stdin.write('\n')
    await sleep(500)
    await process.resize({ columns: SIZE.columns + 1, rows: SIZE.rows + 1 })
    process.stdin.write('\n')
    const { stdout } = await output
    expect(stdout.toString()).toContain(`${SIZE.rows} ${SIZE.columns}\r\n`)
    expect(stdout.toString()).toContain(`${SIZE.rows + 1} ${SIZE.columns + 1}\r\n`)
  }),
  'terminal-keys': behaviour('Ctrl-C on a terminal interrupts the command', async (bench) => {
    const script = 'trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 0.2; done'
    const process = await (await bench.shared()).open(['sh', '-c', script], { terminal: true })
    const output = collectProcess(process)
    await sleep(1000)
    process.stdin.write('\u0003')
    const { stdout, exitCode } = await output
    expect(exitCode).toBe(5)
    expect(stdout.toString()).toContain('interrupted')
  }),
  'terminal-container': behaviour('the command of a container can have a terminal', async (bench) => {
    const container = await bench.create({ command: ['sh', '-c', 'test -t 1 && echo terminal; echo err >&2'], terminal: true })
    const process = await container.attach()
    const output = collectProcess(process)
    await container.start()
    const { stdout, stderr } = await output
    expect([stdout.toString(), stderr.toString()]).toEqual(['terminal\r\nerr\r\n', ''])
    expect((await container.inspect()).terminal).toBe(true)
  }),
  'terminal-container-talks': behaviour('a container with a terminal reads what is typed', async (bench) => {
    const script = 'stty -echo; echo ready; read line; echo "heard $line"'
    const container = await bench.create({ command: ['sh', '-c', script], terminal: true, stdin: true })
    const process = await container.attach()
    const output = collectBytes(process.stdout)
    await container.start()
    await sleep(1000)
    process.stdin.write('hello\n')
    expect((await output).toString()).toContain('heard hello\r\n')
    expect(await process.ended).toBe(0)
  }),
}
