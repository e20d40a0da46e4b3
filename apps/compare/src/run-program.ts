import { Option, type Command } from 'commander'
import { addWhose, many, type CommandContext } from './container-options.ts'

const RUN_CODES =
  '\nExit codes: that of the command; 125 not run, 126 not executable, 127 not found, 128 and the number of a signal'

export function addRun(program: Command, { io, finish, examples }: CommandContext): void {
  const command = program
    .command('run')
    .description('run a command in a new container, on whichever engine keeps its limits')
    .helpOption('--help', 'display help for command')
    .passThroughOptions()
    .argument('<image>', 'a reference or an id')
    .argument('[command...]', 'takes the place of the command of the image')
  addRunOptions(command)
    .addHelpText(
      'after',
      examples([
        'rootless run --rm -it busybox sh',
        'rootless run --rm --memory 64m --cpus 0.5 --pids-limit 20 --network none busybox ./untrusted',
        'rootless run -d --name web -p 8080:80 -v "$PWD":/srv:ro nginx',
        'tar -c . | rootless run --rm -i busybox tar -t | head -1',
      ]),
    )
    .addHelpText('after', RUN_CODES)
    .action(async (image, words, options) => finish(await (await import('./commands/run.ts')).run(image, words, options, io)))
}

function addRunOptions(command: Command): Command {
  command
    .option('--rm', 'remove it when it has ended; with -d, a process of ours stays until then')
    .option('-i, --interactive', 'pass stdin on')
    .option('-t, --tty', 'a terminal inside')
    .option('-d, --detach', 'leave it running and print its id')
    .option('--name <name>', 'its name')
    .addOption(many('-e, --env <name=value>', 'a variable; NAME alone passes ours on'))
    .addOption(many('--env-file <file>', 'variables, a line each'))
    .option('-w, --workdir <path>', 'where the command begins')
    .option('-u, --user <user>', 'as whom inside: name, uid or uid:gid')
    .option('-h, --hostname <name>', 'its host name')
    .addOption(many('-l, --label <name=value>', 'a label'))
    .option('--entrypoint <file>', 'takes the place of the entrypoint of the image; empty for none')
    .option('--stop-signal <signal>', 'what stop sends')
  return addWhose(addLimits(addPlaces(command)), '--as-user', 'auto, or one engine')
    .addOption(
      new Option('--pull <when>', 'fetch the image from its registry').choices(['missing', 'always', 'never']).default('missing'),
    )
    .option('--verbose', 'say on stderr which engine was picked, and why')
}

function addPlaces(command: Command): Command {
  return command
    .addOption(many('-p, --publish <ports>', '8080:80, 127.0.0.1::80/udp, 8000-8003:9000-9003; on 127.0.0.1 unless told'))
    .option('--network <name>', 'default, none, host, or one that was created')
    .addOption(
      many('-v, --volume <source:target>', 'a path of this machine or a volume; :ro, :me (files inside are mine outside)'),
    )
    .addOption(many('--mount <fields>', 'type=bind|volume|tmpfs,source=…,target=…[,readonly][,owner=me][,tmpfs-size=64m]'))
    .addOption(many('--tmpfs <target>', 'memory at this path; TARGET:size=64m'))
    .addOption(new Option('--volume-owner <who>', 'whose files made in -v and --mount are').choices(['me']))
    .option('--read-only', 'nothing of the image can be changed')
    .addOption(many('--cap-drop <name>', 'a capability to take away, or ALL'))
    .addOption(many('--secret <name=file>', 'the file becomes /run/secrets/NAME, in memory only'))
}

function addLimits(command: Command): Command {
  return command
    .option('-m, --memory <size>', 'as 64m or 1.5g; swap is none unless told')
    .option('--memory-swap <size>', 'memory and swap together')
    .option('--cpus <number>', 'processors: 0.5 is half of one')
    .option('--pids-limit <number>', 'processes and threads')
    .option('--cpuset-cpus <list>', 'which processors: 0-1,3')
    .option('--blkio-weight <number>', 'share of disk time, 10 to 1000')
    .addOption(
      new Option('--if-unenforceable <what>', 'when a limit would not be applied').choices(['throw', 'warn']).default('throw'),
    )
}

export function addExec(program: Command, { io, finish, examples }: CommandContext): void {
  const command = program
    .command('exec')
    .description('run a command in a container that runs')
    .passThroughOptions()
    .argument('<container>', 'its name or id')
    .argument('<command...>')
    .option('-i, --interactive', 'pass stdin on')
    .option('-t, --tty', 'a terminal inside')
    .addOption(many('-e, --env <name=value>', 'a variable; NAME alone passes ours on'))
    .option('-w, --workdir <path>', 'where the command begins')
    .option('-u, --user <user>', 'as whom inside: name, uid or uid:gid')
  addWhose(command, '--as-user', 'only this engine')
    .addHelpText('after', examples(['rootless exec web ls /srv', 'rootless exec -it web sh']))
    .addHelpText('after', RUN_CODES)
    .action(async (name, words, options) => finish(await (await import('./commands/exec.ts')).exec(name, words, options, io)))
}
