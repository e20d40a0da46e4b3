import { readFileSync } from 'node:fs'
import { parseRecording } from '../src/recording.ts'

const recording = new URL('../../lxc/recordings/lxc-5.0.2-debian-12-hybrid.json', import.meta.url)

/** The facts of a real host, out of a recording. */
export const HOST_FACTS = parseRecording(readFileSync(recording, 'utf8')).hostFacts
