/** What LXC's own log of a start says. LXC writes it at level INFO; the words were seen with 5.0.2. */
export interface EngineLog {
  /** Of the first process, in the host's numbering, once its command runs. */
  readonly startedPid: number | null
  readonly exitCode: number
  /** The time of its last line, in milliseconds since 1970; `null` without one. */
  readonly lastAt: number | null
  /** The lines of level ERROR, without what stands before their message. */
  readonly errors: readonly string[]
}

/**
 * lxc_start.c forgets the exit code of a container that it started in the foreground; its log has it: `Child <PID> ended on error
 * (N)` or `ended on signal Killed(N)`, and no line for 0.
 */
export function parseEngineLog(text: string): EngineLog {
  const started = /start\.c:post_start:\d+ - Started "[\s\S]*?" with pid "(\d{1,10})"\n/u.exec(text)
  const ended = [
    ...text.matchAll(/error\.c:lxc_error_set_and_log:\d+ - Child <\d+> ended on (error|signal) [^(\n]*\((\d{1,3})\)\n/gu),
  ].at(-1)
  const number = Number(ended?.[2] ?? 0)
  return {
    startedPid: started?.[1] === undefined ? null : Number(started[1]),
    exitCode: ended?.[1] === 'signal' ? 128 + number : number,
    lastAt: toTime([...text.matchAll(/^\S+ \S+ (\d{14})\.(\d{3}) /gmu)].at(-1)),
    errors: text.split('\n').flatMap((line) => /^\S+ \S+ \d{14}\.\d{3} ERROR +\S+ - (.*)$/u.exec(line)?.[1] ?? []),
  }
}

/** liblxc writes its times in UTC (log.c, lxc_unix_epoch_to_utc). */
function toTime(match: RegExpExecArray | undefined): number | null {
  const [, seconds, milliseconds] = match ?? []
  if (seconds === undefined || milliseconds === undefined) return null
  const iso = seconds.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/u, '$1-$2-$3T$4:$5:$6')
  return Date.parse(`${iso}.${milliseconds}Z`)
}
