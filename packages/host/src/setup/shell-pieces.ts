// The two pieces of shell that setup runs, the same when it applies a plan and when it writes one down as a script.

/** Standard input into the file $1 with mode $2, beside it first and then renamed: a full disk keeps the old file. */
export const WRITE_FILE_SCRIPT = `set -eu
umask 022
mkdir -p -- "$(dirname -- "$1")"
temporary=$(mktemp -- "$1.XXXXXX")
trap 'rm -f -- "$temporary"' EXIT
cat >"$temporary"
chmod -- "$2" "$temporary"
mv -f -T -- "$temporary" "$1"
`

/** The line $2 to the end of the file $1, unless it is there. */
export const APPEND_LINE_SCRIPT = `set -eu
umask 022
if [ -e "$1" ] && grep -q -x -F -e "$2" -- "$1"; then exit 0; fi
if [ -s "$1" ] && [ -n "$(tail -c 1 -- "$1")" ]; then echo >>"$1"; fi
printf '%s\\n' "$2" >>"$1"
`

export function toModeWord(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
