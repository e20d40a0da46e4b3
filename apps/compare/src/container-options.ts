import { Option, type Command } from 'commander'
import type { Io } from './io.ts'
import { collectChoice, CONTAINER_ENGINES, parseTimeout } from './options.ts'

/** How a command is added: its io, and what gets its exit code. */
export interface CommandContext {
  readonly io: Io
  readonly finish: (code: number) => void
  readonly examples: (lines: readonly string[]) => string
}

/** Long enough for the first `podman info` of a user, which makes its store. */
const DEFAULT_TIMEOUT_SECONDS = 10

function engineOption(help: string): Option {
  return new Option('--engine <names>', help).choices([...CONTAINER_ENGINES]).argParser(collectChoice)
}

function timeoutOption(): Option {
  return new Option('--timeout <seconds>', 'how long one engine may take for one question')
    .argParser(parseTimeout)
    .default(DEFAULT_TIMEOUT_SECONDS)
}

/** Whose containers: -u and --user are the user inside where Docker has them so. */
export function addWhose(command: Command, name: '--user' | '--as-user', engines: string): Command {
  return command
    .addOption(engineOption(engines))
    .addOption(timeoutOption())
    .option(`${name} <name>`, 'as this ordinary user, who has the engines (only root can)')
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}

export function many(flags: string, help: string): Option {
  return new Option(flags, help).argParser(collect)
}

export function format(choices: readonly string[]): Option {
  return new Option('--format <format>', 'how to write it').choices(choices).default(choices[0])
}
