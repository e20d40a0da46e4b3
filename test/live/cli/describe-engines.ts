import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { discoverRuntimes, ENGINE_TITLES, type EngineName } from 'rootless-runtime'
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { missEngine } from '../../leave-out.ts'
import { buildImage } from '../image.ts'
import { LABEL, listLeft, mustRootless, rootless } from './rootless.ts'

const discovered = await discoverRuntimes()

/** What a test of one engine gets. */
export interface Place {
  readonly engine: EngineName
  /** The image, which has a busybox. */
  readonly image: string
  /** `run --engine … -l …` and the image's name comes next. */
  readonly run: readonly string[]
  /** A name for a container, which nobody else has. */
  readonly name: (word: string) => string
  /** A folder of this test. */
  readonly folder: () => string
}

/** The same tests on every engine that is there. Without one they are skipped with its reason, or fail in CI. */
export function describeEngines(tests: (place: Place) => void): void {
  for (const { engine, availability } of discovered) {
    const title = `the command on ${ENGINE_TITLES[engine]}`
    if (availability.status === 'available') {
      describe(title, () => {
        withImage(engine, tests)
      })
    } else missEngine(title, availability.reason)
  }
}

function withImage(engine: EngineName, tests: (place: Place) => void): void {
  const image = `rootless-cli-test-${process.pid}:${engine}`
  let imageFolder = ''
  let folder = ''

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rootless-cli-'))
    imageFolder = await buildImage()
    await mustRootless('load', '--engine', engine, '--reference', image, join(imageFolder, 'image.tar'))
  })

  // A test that failed half-way leaves nothing for the next one to stumble over.
  afterEach(async () => {
    for (const name of await listLeft(engine)) await rootless(['rm', '-f', '--engine', engine, name])
  })

  afterAll(async () => {
    for (const path of [folder, imageFolder]) rmSync(path, { recursive: true, force: true })
    const runtime = discovered.find((each) => each.engine === engine)?.runtime
    await runtime?.images.remove(image)
  })

  tests({
    engine,
    image,
    run: ['run', '--engine', engine, '-l', LABEL],
    name: (word) => `rootless-cli-${process.pid}-${engine}-${word}`,
    folder: () => folder,
  })
}
