/**
 * What identifies an error: its type and where it came from. Line numbers, columns, addresses and folders change with
 * every build, so of a frame only function and file name count; and only the frames nearest to the failure, because the
 * way there may differ.
 */

const FRAMES = 5
/** What lies beyond does not count: the patterns below may take time that grows with the square of a line. */
const MAX_LINES = 400
const MAX_LINE_CHARACTERS = 500

/** The frames nearest to the failure, nearest first; empty where the text has none that we know. */
export function topFrames(stack: string): string[] {
  const lines = stack.split('\n', MAX_LINES).map((line) => line.slice(0, MAX_LINE_CHARACTERS).trim())
  const frames = lines.flatMap((line, at) => frameOf(line, lines[at + 1] ?? '') ?? [])
  // Python tells the last call last.
  if (/^Traceback \(most recent call last\)/m.test(stack)) frames.reverse()
  return frames.slice(0, FRAMES)
}

/** Function and file of a stack line, without what varies; `null` for a line that is no frame. */
function frameOf(line: string, next: string): string | null {
  // JavaScript, Java, .NET: `at f (/src/a.js:1:2)`, `at a.b.C.f(C.java:1)`, `at A.F() in /src/a.cs:line 1`
  const at = /^at (.+)$/.exec(line)
  if (at !== null) return steady(at[1])
  // Python: `File "/src/a.py", line 1, in f`
  const python = /^File "(.+)", line \d+(?:, in (.+))?$/.exec(line)
  if (python !== null) return steady(`${python[2] ?? ''} ${python[1]}`)
  // Go: `main.f(0x1, 0x2)` and, in the next line, `/src/a.go:1 +0x1d`
  const go = /^([\w./*()-]+)\(.*\)$/.exec(line)
  if (go !== null && /^\S+\.go:\d+/.test(next)) return steady(`${go[1]} ${next.split(' ', 1)[0]}`)
  // Ruby: `/src/a.rb:1:in 'f'`; PHP: `#0 /src/a.php(1): f()`
  const ruby = /^(?:from )?(\S+\.rb):\d+:in [`'](.+)'$/.exec(line)
  if (ruby !== null) return steady(`${ruby[2]} ${ruby[1]}`)
  const php = /^#\d+ (\S+)\(\d+\): (.+?)\(/.exec(line)
  return php === null ? null : steady(`${php[2]} ${php[1]}`)
}

/** Without folders, numbers after a file's name, addresses, and the numbers compilers put into names. */
function steady(frame: string): string {
  return frame
    .replaceAll(/(?:[a-z]+:\/\/|[A-Za-z]:)?[^\s()]*[/\\]/g, '')
    .replaceAll(/:(?:line )?\d+/g, '')
    .replaceAll(/0x[0-9a-f]+/gi, '')
    .replaceAll(/\d+/g, '*')
}
