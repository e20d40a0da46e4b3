import { expect, test } from 'vitest'
import { parseEngineLog } from '../src/lxc-engine-log.ts'
import { createFrameReader, encodeFrame, encodeMessage } from '../src/lxc-frames.ts'
import { createLineEnds } from '../src/lxc-line-ends.ts'
import { toAttachError, toStartError } from '../src/lxc-refusals.ts'
import { findUser } from '../src/lxc-user.ts'

// Lines of liblxc 5.0.2.
const at = (level: string, rest: string): string => `lxc-start c1 20261125091522.457 ${level.padEnd(8)} ${rest}\n`
const STARTED = at('NOTICE', 'start - ../src/lxc/start.c:post_start:2205 - Started "/bin/sh" with pid "15152"')

test.each([
  ['no line', '', 0],
  ['an error', at('INFO', 'error - ../src/lxc/error.c:lxc_error_set_and_log:31 - Child <15152> ended on error (7)'), 7],
  ['a signal', at('INFO', 'error - ../src/lxc/error.c:lxc_error_set_and_log:34 - Child <15152> ended on signal Killed(9)'), 137],
])('the exit code of %s is known by the log', (_, line, exitCode) => {
  expect(parseEngineLog(STARTED + line)).toMatchObject({
    startedPid: 15_152,
    exitCode,
    lastAt: Date.UTC(2026, 10, 25, 9, 15, 22, 457),
  })
})

test('a command that was not found did not start, and the log says why', () => {
  const log = at('ERROR', 'start - ../src/lxc/start.c:start:2197 - No such file or directory - Failed to exec "/nosuch"')
  const parsed = parseEngineLog(log)
  expect(parsed.startedPid).toBeNull()
  expect(toStartError('c1', ['/nosuch'], log, parsed.errors)).toMatchObject({ code: 'COMMAND_NOT_FOUND' })
})

test('an empty log says nothing', () => {
  expect(parseEngineLog('')).toEqual({ startedPid: null, exitCode: 0, lastAt: null, errors: [] })
})

test.each([
  ['No such file or directory - Failed to exec "x"', 'COMMAND_NOT_FOUND'],
  ['Permission denied - Failed to exec "/etc"', 'COMMAND_NOT_EXECUTABLE'],
  ['Exec format error - Failed to exec "/x"', 'COMMAND_NOT_EXECUTABLE'],
  ['Connection refused - Failed to get init pid', 'NOT_RUNNING'],
  ['Resource temporarily unavailable - Failed to clone attached process', 'ENGINE_REFUSED'],
  ['something new', 'ENGINE_REFUSED'],
])('lxc-attach that says "%s" is %s', (words, code) => {
  expect(toAttachError('c1', ['x'], `lxc-attach c1 20261125091522.457 ERROR attach - f.c:f:1 - ${words}\n`)).toMatchObject({
    code,
  })
})

test('no control character of a command is in an error', () => {
  const error = toAttachError('c\u001b[1m', ['\u001b[31m\n\u202ex'], 'No such file or directory - Failed to exec "\u001b[31m')
  // oxlint-disable-next-line no-control-regex
  expect(`${error?.message}${error?.evidence}`).not.toMatch(/[\u0000-\u001f\u007f\u202e]/u)
})

const PASSWD = 'root:x:0:0:root:/root:/bin/sh\n# no line\nworker:x:1000:1001::/home/worker:/bin/sh\nbroken:x:y:z\n'
const GROUP = 'root:x:0:\nstaff:x:50:worker\n'

test.each([
  ['', { uid: 0, gid: 0, home: '/root' }],
  ['worker', { uid: 1000, gid: 1001, home: '/home/worker' }],
  ['1000', { uid: 1000, gid: 1001, home: '/home/worker' }],
  ['worker:staff', { uid: 1000, gid: 50, home: '/home/worker' }],
  ['7:8', { uid: 7, gid: 8, home: '/' }],
  ['7', { uid: 7, gid: 0, home: '/' }],
])('the user "%s" is found as Docker finds it', (user, expected) => {
  expect(findUser(user, PASSWD, GROUP)).toEqual(expected)
})

test.each(['nobody', 'worker:nogroup', 'broken', '99999999999', '-1', 'constructor'])(
  'the user "%s" is USER_NOT_FOUND',
  (user) => {
    expect(() => findUser(user, PASSWD, GROUP)).toThrow(expect.objectContaining({ code: 'USER_NOT_FOUND' }))
  },
)

test('frames come whole, whatever they are cut into', () => {
  const bytes = Buffer.concat([
    encodeMessage({ do: 'wait' }),
    encodeFrame('stdout', Buffer.of(0, 255)),
    encodeFrame('stdin-end', Buffer.of()),
  ])
  for (let pieceBytes = 1; pieceBytes <= bytes.length; pieceBytes += 1) {
    const reader = createFrameReader()
    const kinds: string[] = []
    for (let position = 0; position < bytes.length; position += pieceBytes)
      kinds.push(
        ...reader.push(bytes.subarray(position, position + pieceBytes)).map(({ kind, data }) => `${kind} ${data.byteLength}`),
      )
    expect(kinds).toEqual(['message 13', 'stdout 2', 'stdin-end 0'])
  }
})

test.each([
  ['a kind that is none', Buffer.of(9, 0, 0, 0, 0)],
  ['a length of four gigabytes', Buffer.of(0, 255, 255, 255, 255)],
])('%s is no frame', (_, bytes) => {
  expect(() => createFrameReader().push(bytes)).toThrow('no frame')
})

test.each(['a\r\r\nb', '\r', 'progress\r50%\r\r\n', '\r\r\n\r\r\n', 'plain\n'])(
  'each line end of %j loses one CR, wherever it is cut',
  (text) => {
    for (let cut = 0; cut <= text.length; cut += 1) {
      const ends = createLineEnds()
      const pieces = [ends.push(Buffer.from(text.slice(0, cut))), ends.push(Buffer.from(text.slice(cut))), ends.rest()]
      expect(Buffer.concat(pieces).toString()).toBe(text.replaceAll('\r\n', '\n'))
    }
  },
)
