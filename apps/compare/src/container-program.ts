import type { Command } from 'commander'
import { addWhose, format, many, type CommandContext } from './container-options.ts'
import { addExec, addRun } from './run-program.ts'

/** The commands of containers, in the words of Docker's client. */
export function addContainerCommands(program: Command, context: CommandContext): void {
  addRun(program, context)
  addExec(program, context)
  addPs(program, context)
  addLogs(program, context)
  addStats(program, context)
  addStopAndRemove(program, context)
  addCopy(program, context)
  addImages(program, context)
  addSweep(program, context)
  addEnv(program, context)
  addRemoveWhenEnded(program, context)
}

function addPs(program: Command, { io, finish, examples }: CommandContext): void {
  const command = program
    .command('ps')
    .description('the containers of this library on every engine')
    .option('-a, --all', 'those that have ended too')
    .option('--everyone', 'those that others made too')
    .option('-q, --quiet', 'ids only')
    .addOption(many('-l, --label <name=value>', 'only those with this label'))
    .addOption(format(['text', 'json']))
  addWhose(command, '--user', 'only these engines')
    .addHelpText('after', examples(['rootless ps -a', 'rootless ps --everyone --format json']))
    .action(async (options) => finish(await (await import('./commands/ps.ts')).ps(options, io)))
}

function addLogs(program: Command, { io, finish, examples }: CommandContext): void {
  const command = program
    .command('logs')
    .description('what a container has said')
    .argument('<container>', 'its name or id')
    .option('-f, --follow', 'go on until it ends')
    .option('--since <time>', 'from this time on, or for so long: 2026-01-31T12:00:00Z, 10m')
    .option('-n, --tail <lines>', 'the last lines only')
    .option('-t, --timestamps', 'with the time of each line')
  addWhose(command, '--user', 'only this engine')
    .addHelpText('after', examples(['rootless logs -f web', 'rootless logs --tail 20 -t web']))
    .action(async (name, options) => finish(await (await import('./commands/logs.ts')).logs(name, options, io)))
}

/** Not for people: what `run -d --rm` leaves running. */
function addRemoveWhenEnded(program: Command, { finish }: CommandContext): void {
  const command = program.command('remove-when-ended', { hidden: true }).argument('<container>')
  addWhose(command, '--user', 'only this engine').action(async (id, options) =>
    finish(await (await import('./commands/remove-when-ended.ts')).removeWhenEnded(id, options)),
  )
}

function addStats(program: Command, { io, finish, examples }: CommandContext): void {
  const command = program
    .command('stats')
    .description('what containers use, from their own cgroups; unknown where they have none')
    .argument('[containers...]', 'names or ids; all that run unless told')
    .option('--no-stream', 'once')
    .addOption(format(['text', 'json']))
  addWhose(command, '--user', 'only these engines')
    .addHelpText('after', examples(['rootless stats', 'rootless stats --no-stream --format json web']))
    .action(async (names, options) => finish(await (await import('./commands/stats.ts')).stats(names, options, io)))
}

function addStopAndRemove(program: Command, { io, finish, examples }: CommandContext): void {
  const stop = program
    .command('stop')
    .description('ask containers to end, and end them')
    .argument('<containers...>', 'names or ids')
    .option('-t, --time <seconds>', 'how long they may take; 10 unless told')
  addWhose(stop, '--user', 'only these engines')
    .addHelpText('after', examples(['rootless stop web', 'rootless stop -t 1 web']))
    .action(async (names, options) => finish(await (await import('./commands/stop.ts')).stop(names, options, io)))
  const remove = program
    .command('rm')
    .description('remove containers that have ended')
    .argument('<containers...>', 'names or ids')
    .option('-f, --force', 'those that run too')
  addWhose(remove, '--user', 'only these engines')
    .addHelpText('after', examples(['rootless rm web', 'rootless rm -f web']))
    .action(async (names, options) => finish(await (await import('./commands/rm.ts')).rm(names, options, io)))
}

function addCopy(program: Command, { io, finish, examples }: CommandContext): void {
  const command = program
    .command('cp')
    .description('copy files out of a container or into it')
    .argument('<from>', 'CONTAINER:PATH, a path of this machine, or - for a tar stream on stdin')
    .argument('<to>', 'CONTAINER:PATH, a path of this machine, or - for a tar stream on stdout')
  addWhose(command, '--user', 'only this engine')
    .addHelpText(
      'after',
      examples(['rootless cp web:/etc/hosts .', 'rootless cp ./site web:/srv', 'rootless cp web:/srv - | tar -t']),
    )
    .action(async (from, to, options) => finish(await (await import('./commands/cp.ts')).cp(from, to, options, io)))
}

function addImages(program: Command, { io, finish, examples }: CommandContext): void {
  const load = program
    .command('load')
    .description('load an image: a docker save or OCI archive, or a root file system, as tar')
    .argument('<file>', 'a path, or - for stdin')
    .option('--reference <name>', 'the name of an image that has none')
    .addOption(format(['text', 'json']))
  addWhose(load, '--user', 'into these engines; the first that is there unless told')
    .addHelpText('after', examples(['rootless load image.tar', 'docker save busybox | rootless load --engine podman -']))
    .action(async (file, options) => finish(await (await import('./commands/load.ts')).load(file, options, io)))
  const images = program
    .command('images')
    .description('the images of every engine')
    .option('-q, --quiet', 'ids only')
    .addOption(format(['text', 'json']))
  addWhose(images, '--user', 'only these engines')
    .addHelpText('after', examples(['rootless images', 'rootless images --engine lxc --format json']))
    .action(async (options) => finish(await (await import('./commands/images.ts')).images(options, io)))
}

function addSweep(program: Command, { io, finish, examples }: CommandContext): void {
  const command = program
    .command('sweep')
    .description('remove what processes of this library left behind when they died')
    .addOption(format(['text', 'json']))
  addWhose(command, '--user', 'only these engines')
    .addHelpText('after', examples(['rootless sweep', 'rootless sweep --format json']))
    .action(async (options) => finish(await (await import('./commands/sweep.ts')).sweep(options, io)))
}

function addEnv(program: Command, { io, finish, examples }: CommandContext): void {
  const command = program
    .command('env')
    .description('the variables that other tools need to use an engine: DOCKER_HOST, TESTCONTAINERS_*')
    .addOption(format(['shell', 'json']))
  addWhose(command, '--user', 'this engine; the first that has any unless told')
    .addHelpText('after', examples(['eval "$(rootless env)"', 'rootless env --engine podman --format json']))
    .action(async (options) => finish(await (await import('./commands/env.ts')).env(options, io)))
}
