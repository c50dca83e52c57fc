// Tokens as pieces to show: what the hub's route `tokenize` answers (src/server/routes/tokenize.cc), cut so that no piece
// ends inside a character. What a reader takes for one character (UAX 29 grapheme cluster: an emoji, a letter with its
// marks) may be several tokens; those become one group: the whole, then its parts.

export interface Token {
  id: number
  text: string
  special: boolean
  /** In code points; null for what was put around the text. */
  start: number | null
  stop: number | null
  /** As the vocabulary spells it. */
  token?: string
  /** In hex, where the token is a part of a character. */
  bytes?: string
}

/** Text with what would not be seen written out: `mark` is shown faintly and is no part of the text. */
export interface Run {
  text: string
  mark: boolean
}

export type Piece =
  | { kind: 'gap'; runs: Run[] }
  | { kind: 'token'; index: number; runs: Run[] }
  | { kind: 'added'; index: number; label: string }
  | { kind: 'group'; runs: Run[]; parts: { index: number; label: string }[] }

const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u00a0\u00ad\u115f\u1160\u2800\u3164\ufe00-\ufe0f\uffa0]/u

function markOf(character: string): string {
  const code = character.codePointAt(0)!
  if (code === 10) return '↵'
  if (code === 9) return '⇥'
  if (code < 32) return String.fromCodePoint(0x2400 + code)
  if (code === 0xa0) return '⍽'
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}

/** `inCluster`: joiners and variation selectors do their work and need no mark. */
export function runsOf(text: string, inCluster = false): Run[] {
  const runs: Run[] = []
  let plain = ''
  for (const character of text) {
    if (!invisible.test(character) || (inCluster && /[\u200c\u200d\ufe00-\ufe0f\u{e0020}-\u{e007f}]/u.test(character))) {
      plain += character
      continue
    }
    if (plain) runs.push({ text: plain, mark: false })
    plain = ''
    runs.push({ text: markOf(character), mark: true })
    if (character === '\n' || character === '\t') plain = character
  }
  if (plain) runs.push({ text: plain, mark: false })
  return runs
}

/** Of each code point, and of the end: may a piece begin here? */
function clusterBegins(text: string): boolean[] {
  const begins: boolean[] = []
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)) {
    let first = true
    for (const character of segment) {
      begins.push(first || character === '\n') // CR LF are two
      first = false
    }
  }
  begins.push(true)
  return begins
}

function partLabel(token: Token): string {
  if (token.bytes) return token.bytes.toUpperCase().replace(/../g, '$& ').trim()
  const text = runsOf(token.text).map((run) => run.text).join('')
  return /^\p{M}/u.test(text) ? `◌${text}` : text
}

export function piecesOf(text: string, tokens: Token[]): Piece[] {
  const characters = Array.from(text)
  const begins = clusterBegins(text)
  const slice = (from: number, to: number) => characters.slice(from, to).join('')
  const pieces: Piece[] = []
  let at = 0
  for (let i = 0; i < tokens.length; ) {
    const token = tokens[i]!
    if (token.start === null || token.stop === null || token.start === token.stop) {
      pieces.push({ kind: 'added', index: i, label: token.token ?? token.text })
      i += 1
      continue
    }
    // The tokens that share a character with the one before them.
    const from = Math.max(token.start, at)
    let to = token.stop
    let end = i + 1
    for (; end < tokens.length; end += 1) {
      const next = tokens[end]!
      if (next.start === null || next.stop === null || (next.start >= to && (begins[to] || next.start > to))) break
      to = Math.max(to, next.stop)
    }
    if (from > at) pieces.push({ kind: 'gap', runs: runsOf(slice(at, from)) })
    if (end === i + 1) {
      pieces.push({ kind: 'token', index: i, runs: runsOf(slice(from, to), true) })
    } else {
      const parts = tokens.slice(i, end).map((part, n) => ({ index: i + n, label: partLabel(part) }))
      pieces.push({ kind: 'group', runs: runsOf(slice(from, to), true), parts })
    }
    at = Math.max(at, to)
    i = end
  }
  if (at < characters.length) pieces.push({ kind: 'gap', runs: runsOf(slice(at, characters.length)) })
  return pieces
}
