import { Command, Option } from 'commander'
import { addContainerCommands } from './container-program.ts'
import type { Io } from './io.ts'
import { collectEngines, ENGINES, parseEngine, parseTimeout } from './options.ts'

// What a person typed is repeated to them, and may rewrite no terminal.
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/gu

const DEFAULT_TIMEOUT_SECONDS = 10

/** What a person can type. Each command's code is loaded when it is run. `finish` gets the exit code. */
export function buildProgram(version: string, io: Io, finish: (code: number) => void): Command {
  const program = new Command('rootless')
    .description('What rootless Docker, rootless Podman and unprivileged LXC really do on this host.')
    .version(version, '-V, --version')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    // What stands behind an image or a container is the command inside.
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => io.out.write(text),
      writeErr: (text) => io.error.write(text),
      outputError: (text, write) => write(text.replaceAll(CONTROLS, '?')),
      getOutHelpWidth: () => io.out.columns,
      getErrHelpWidth: () => io.error.columns,
    })
    .showHelpAfterError('(rootless --help lists everything)')
    .addHelpText(
      'after',
      examples(['rootless compare', 'rootless setup --dry-run', 'rootless run --rm -it --memory 64m busybox sh']),
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 fine, 1 requirement not met or refused, 2 wrong use, 3 could not look; run and exec: that of the command',
    )
  addCompare(program, io, finish)
  addInspect(program, io, finish)
  addHost(program, io, finish)
  addSetup(program, io, finish)
  addStart(program, io, finish)
  addContainerCommands(program, { io, finish, examples })
  program
    .command('schema')
    .description('the JSON Schema of what compare --format json prints')
    .action(async () => finish((await import('./commands/schema.ts')).schema(io)))
  return program
}

function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}

function userOption(): Option {
  return new Option('--user <name>', 'look as this ordinary user (only root can)')
}

function timeoutOption(): Option {
  return new Option('--timeout <seconds>', 'how long one engine may take for one question')
    .argParser(parseTimeout)
    .default(DEFAULT_TIMEOUT_SECONDS)
}

function engineOption(): Option {
  // The choices are for help and completion; names may be joined by commas, which the parser knows.
  return new Option('--engine <names>', 'only these engines').choices([...ENGINES]).argParser(collectEngines)
}

function addCompareOptions(command: Command): Command {
  return command
    .addOption(new Option('--format <format>', 'how to write it').choices(['table', 'markdown', 'json']).default('table'))
    .option('--article', 'exactly the rows and columns of the article of 2020')
    .addOption(engineOption())
    .option('--output <file>', 'write to a file, whole or not at all')
    .addOption(timeoutOption())
    .option('--require <list>', 'exit with 1 unless an engine has all of it: networking=pasta,cgroup=v2,limits=memory+pids')
    .addOption(userOption())
}

function addCompare(program: Command, io: Io, finish: (code: number) => void): void {
  addCompareOptions(program.command('compare').description('the matrix: networking, storage, cgroups and limits of each engine'))
    .addHelpText(
      'after',
      examples([
        'rootless compare',
        'rootless compare --article --format markdown',
        'rootless compare --engine podman --require "networking=pasta|slirp4netns,limits=memory+pids"',
        'rootless compare --format json --output report.json',
      ]),
    )
    .action(async (options) => finish(await (await import('./commands/compare.ts')).compare(options, io)))
}

function addInspect(program: Command, io: Io, finish: (code: number) => void): void {
  program
    .command('inspect')
    .description('everything about one engine, with the evidence')
    .addArgument(
      program
        .createArgument('<engine>', 'which one')
        .choices([...ENGINES])
        .argParser(parseEngine),
    )
    .addOption(new Option('--format <format>', 'how to write it').choices(['text', 'json']).default('text'))
    .addOption(timeoutOption())
    .addOption(userOption())
    .addHelpText('after', examples(['rootless inspect docker', 'rootless inspect lxc --format json']))
    .action(async (engine, options) => finish(await (await import('./commands/inspect.ts')).inspect(engine, options, io)))
}

function addHost(program: Command, io: Io, finish: (code: number) => void): void {
  program
    .command('host')
    .description('what this host offers to containers without root, each fact with its source')
    .addOption(new Option('--format <format>', 'how to write it').choices(['text', 'json']).default('text'))
    .addOption(userOption())
    .addHelpText('after', examples(['rootless host', 'rootless host --user moby --format json']))
    .action(async (options) => finish(await (await import('./commands/host.ts')).host(options, io)))
}

function addSetup(program: Command, io: Io, finish: (code: number) => void): void {
  program
    .command('setup')
    .description('make a Debian or Ubuntu host ready, by a plan that is shown first')
    .addOption(engineOption())
    .option('--user <name>', 'for this ordinary user; it is made when it is not there')
    .option('--dry-run', 'show the plan and do nothing')
    .option('--yes', 'do it without asking')
    .option('--script', 'print the plan as a shell script')
    .option('--stop', 'end what setup started')
    .addHelpText(
      'after',
      examples([
        'rootless setup --dry-run',
        'sudo rootless setup --yes --user moby',
        'rootless setup --engine podman --script > setup.sh',
        'rootless setup --stop',
      ]),
    )
    .action(async (options) => finish(await (await import('./commands/setup.ts')).setup(options, io)))
}

function addStart(program: Command, io: Io, finish: (code: number) => void): void {
  addCompareOptions(
    program.command('start').description('set the host up (with --yes), then compare as the user who has the engines'),
  )
    .option('--yes', 'set up what is missing first')
    .addHelpText('after', examples(['rootless start', 'sudo rootless start --yes']))
    .action(async (options) => finish(await (await import('./commands/start.ts')).start(options, io)))
}
