import type { EngineName } from '@rootless-runtime/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ABORTING } from './aborting.ts'
import { BAD_IMAGES } from './bad-images.ts'
import type { Behaviour } from './behaviour.ts'
import { closeBench, listEverything, openBench, type Bench, type BenchSource } from './bench.ts'
import { COPY } from './copy.ts'
import { CREATE } from './create.ts'
import { ERRORS } from './errors.ts'
import { EVENTS } from './events.ts'
import { expectException, type Exception } from './exceptions.ts'
import { EXEC } from './exec.ts'
import { HOSTILE_INPUT } from './hostile-input.ts'
import { IMAGES } from './images.ts'
import { LIMITS } from './limits.ts'
import { LOGS } from './logs.ts'
import { MOUNTS } from './mounts.ts'
import { NETWORKS } from './networks.ts'
import { PARALLEL } from './parallel.ts'
import { PORTS } from './ports.ts'
import { PROCESS_SETTINGS } from './process-settings.ts'
import { RUN_AND_END } from './run-and-end.ts'
import { SECRETS } from './secrets.ts'
import { SIGNALS } from './signals.ts'
import { STATS } from './stats.ts'
import { STREAMS } from './streams.ts'
import { SWEEPING } from './sweeping.ts'
import { TERMINAL } from './terminal.ts'
import { VOLUMES } from './volumes.ts'
import { WAITING } from './waiting.ts'

/** Every behaviour that the containers of all engines have, by theme. */
export const CONTAINER_BEHAVIOURS = {
  images: IMAGES,
  'bad images': BAD_IMAGES,
  create: CREATE,
  'run and end': RUN_AND_END,
  'process settings': PROCESS_SETTINGS,
  streams: STREAMS,
  exec: EXEC,
  terminal: TERMINAL,
  logs: LOGS,
  signals: SIGNALS,
  limits: LIMITS,
  stats: STATS,
  ports: PORTS,
  networks: NETWORKS,
  mounts: MOUNTS,
  volumes: VOLUMES,
  secrets: SECRETS,
  copy: COPY,
  events: EVENTS,
  waiting: WAITING,
  aborting: ABORTING,
  errors: ERRORS,
  sweeping: SWEEPING,
  'hostile input': HOSTILE_INPUT,
  parallel: PARALLEL,
} as const

type Themes = typeof CONTAINER_BEHAVIOURS
type IdsOf<Behaviours> = Behaviours extends Readonly<Record<infer Id, Behaviour>> ? Id : never
/** The short and stable name of a behaviour. */
export type BehaviourId = IdsOf<Themes[keyof Themes]>

/** What an engine does in another way, with the reason for each. */
export type Exceptions = Readonly<Partial<Record<BehaviourId, Exception>>>

/** The containers of one engine on this machine. */
export interface ContainersUnderTest extends BenchSource {
  readonly engine: EngineName
  readonly exceptions: Exceptions
  /** Whether nobody else uses the engine meanwhile: then nothing at all may be left, whosever it looks. */
  readonly alone?: boolean
  /** How many times longer than on an ordinary machine a proof may take; 1 unless told. */
  readonly patience?: number
}

const OPENING_MS = 180_000

/** What every adapter's containers must keep, on a real engine, as tests: call it in a test file of vitest. */
export function describeContainers({ engine, exceptions, alone = false, patience = 1, ...source }: ContainersUnderTest): void {
  describe(`containers of ${engine}`, () => {
    let bench: Bench
    let before: readonly string[] = []

    beforeAll(async () => {
      before = await listEverything(await source.open())
      bench = await openBench(source)
    }, OPENING_MS * patience)

    afterEach(() => bench.clean(), OPENING_MS * patience)

    afterAll(async () => {
      await closeBench(bench)
      const added = (await listEverything(bench.runtime)).filter((each) => !before.includes(each))
      expect(added.filter((each) => alone || each.includes(bench.mark))).toEqual([])
    }, OPENING_MS * patience)

    for (const [theme, behaviours] of Object.entries<Theme>(CONTAINER_BEHAVIOURS)) {
      describe(theme, () => {
        describeTheme(behaviours, { exceptions, patience }, () => bench)
      })
    }
  })
}

type Theme = Readonly<Record<string, Behaviour>>

type Judged = Required<Pick<ContainersUnderTest, 'exceptions' | 'patience'>>

function describeTheme(behaviours: Theme, { exceptions, patience }: Judged, open: () => Bench): void {
  const declared = new Map(Object.entries<Exception>(exceptions))
  for (const [id, { sentence, check, timeoutMs }] of Object.entries(behaviours)) {
    const exception = declared.get(id)
    const title = exception === undefined ? sentence : `not so, as its exception says: ${sentence}`
    // A behaviour's own check holds the expectations.
    // oxlint-disable-next-line vitest/expect-expect
    test(`${title} [${id}]`, { timeout: timeoutMs * patience }, async () => {
      if (exception === undefined) await check(open())
      else await expectException(exception, () => check(open()))
    })
  }
}
