/** Longest piece of foreign text that a reason, an evidence or a message carries, in characters. */
const MAXIMUM_CHARACTERS = 300

// C0 and C1 controls, DEL, bidirectional overrides and line separators: a name holding them could rewrite a terminal.
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu

/** Foreign text made safe to show: control characters escaped (a newline becomes a blank), and cut to `maximumCharacters`. */
export function printable(text: string, maximumCharacters: number = MAXIMUM_CHARACTERS): string {
  const cut = text.length > maximumCharacters ? `${text.slice(0, maximumCharacters)}…` : text
  return cut
    .toWellFormed()
    .replaceAll(/\s*[\r\n]+\s*/gu, ' ')
    .trim()
    .replaceAll(UNPRINTABLE, escapeCharacter)
}

function escapeCharacter(character: string): string {
  return `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0') ?? ''}`
}
