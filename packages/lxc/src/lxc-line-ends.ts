import { Transform } from 'node:stream'

const [CARRIAGE_RETURN, LINE_FEED] = [0x0d, 0x0a]

/** Takes back what a second terminal did to the output of a first. */
export interface LineEnds {
  push(chunk: Uint8Array): Uint8Array
  /** What was kept at the end. */
  rest(): Uint8Array
}

/**
 * The terminal inside writes a line's end as CR LF. LXC hands it on to the terminal that it was started at, and has that one write
 * each LF as CR LF too (terminal.c, lxc_setup_tios): CR CR LF comes out. Each CR before an LF is one too many, always.
 */
export function createLineEnds(): LineEnds {
  let isHeld = false
  return {
    push: (chunk) => {
      const bytes = isHeld ? Buffer.concat([Buffer.of(CARRIAGE_RETURN), chunk]) : Buffer.from(chunk)
      isHeld = bytes.at(-1) === CARRIAGE_RETURN
      const whole = isHeld ? bytes.subarray(0, -1) : bytes
      return Buffer.from(whole.filter((byte, index) => byte !== CARRIAGE_RETURN || whole[index + 1] !== LINE_FEED))
    },
    rest: () => (isHeld ? Buffer.of(CARRIAGE_RETURN) : Buffer.alloc(0)),
  }
}

export function createLineEndStream(): Transform {
  const ends = createLineEnds()
  return new Transform({
    transform: (chunk: Uint8Array, _, done) => done(null, ends.push(chunk)),
    flush: (done) => done(null, ends.rest()),
  })
}
