import fc from 'fast-check'
import { expect, test } from 'vitest'
import { printable } from '../src/index.ts'

const ESCAPE = '\u001b'
// What may rewrite a terminal or a line: C0, DEL, C1, every bidirectional control of Unicode, line and paragraph separators.
const HARMFUL = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u
/** A character escaped as `\u001b`, which is the most that one becomes. */
const ESCAPED_CHARACTERS = 6

test.each([
  ['plain text', 'podman 4.3.1', 'podman 4.3.1'],
  ['words of another script', 'Zürich 日本 🐳', 'Zürich 日本 🐳'],
  ['lines', 'one\r\n  two\n\nthree\n', 'one two three'],
  ['a colour', `${ESCAPE}[31mred`, '\\u001b[31mred'],
  ['a title of the window', `${ESCAPE}]0;x\u0007`, '\\u001b]0;x\\u0007'],
  ['a C1 control', 'a\u009b31m', 'a\\u009b31m'],
  ['DEL and NUL', 'a\u0000b\u007f', 'a\\u0000b\\u007f'],
  ['a bidirectional override', 'exe\u202egpj', 'exe\\u202egpj'],
  ['an isolate', 'a\u2066b', 'a\\u2066b'],
  ['an Arabic letter mark', 'a\u061cb', 'a\\u061cb'],
  ['a line separator', 'a\u2028b', 'a\\u2028b'],
  ['a tabulator', 'a\tb', 'a\\u0009b'],
  ['blanks around', '  a  ', 'a'],
  ['nothing', '', ''],
])('%s is shown safely', (_, text, expected) => {
  expect(printable(text)).toBe(expected)
})

test.each([
  [300, 'x'.repeat(300)],
  [301, `${'x'.repeat(300)}…`],
  [1_000_000, `${'x'.repeat(300)}…`],
])('%i characters are cut to 300', (length, expected) => {
  expect(printable('x'.repeat(length))).toBe(expected)
})

test('the caller may ask for another length', () => {
  expect(printable('abcdef', 3)).toBe('abc…')
  expect(printable('abc', 3)).toBe('abc')
})

test('a pair of surrogates that the cut would halve leaves no half', () => {
  expect(printable(`${'x'.repeat(299)}🐳🐳`)).toBe(`${'x'.repeat(299)}\ufffd…`)
})

test('a lone surrogate becomes a replacement character', () => {
  expect(printable('a\ud800b')).toBe('a\ufffdb')
})

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 800 }),
  fc.array(fc.nat({ max: 0xff_ff }), { maxLength: 800 }).map((units) => String.fromCharCode(...units)),
  fc
    .array(fc.constantFrom('\u001b[2J', '\n', '\t', ' ', '\u202e', 'a', '\u061c', '\ud83d'), { maxLength: 300 })
    .map((parts) => parts.join('')),
)

test('whatever comes in, nothing harmful comes out', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(printable(text)).not.toMatch(HARMFUL)
    }),
    { numRuns: 2000 },
  )
})

test('whatever comes in, what comes out is well-formed', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(printable(text).isWellFormed()).toBe(true)
    }),
    { numRuns: 2000 },
  )
})

test('whatever comes in, what comes out is bounded', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 500 }), (text, maximum) => {
      expect(printable(text, maximum).length).toBeLessThanOrEqual(maximum * ESCAPED_CHARACTERS + 1)
    }),
    { numRuns: 2000 },
  )
})
