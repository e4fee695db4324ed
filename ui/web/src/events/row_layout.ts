/** Where rows stand: all of one height, or, when long lines wrap, each of its own. */
export interface RowLayout {
  readonly height: number
  topOf(index: number): number
  /** The row at a height; the last where it is past the end. */
  indexAt(px: number): number
}

export function evenLayout(rows: number, rowPx: number): RowLayout {
  return {
    height: rows * rowPx,
    topOf: (index) => index * rowPx,
    indexAt: (px) => Math.max(0, Math.min(rows - 1, Math.floor(px / rowPx))),
  }
}

export function unevenLayout(heights: readonly number[]): RowLayout {
  const tops = new Float64Array(heights.length + 1)
  for (const [at, height] of heights.entries()) tops[at + 1] = tops[at] + height
  return {
    height: tops[heights.length],
    topOf: (index) => tops[Math.max(0, Math.min(heights.length, index))],
    indexAt(px) {
      let low = 0
      let high = heights.length - 1
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if (tops[middle] <= px) low = middle
        else high = middle - 1
      }
      return Math.max(0, low)
    },
  }
}

/** Width of a text in characters of a monospaced font, where East Asian ones take two (Unicode UAX #11, roughly). */
export function textWidth(text: string): number {
  let width = text.length
  for (const [wide] of text.matchAll(
    /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]+/g,
  ))
    width += wide.length
  return width
}

/** Lines that many characters take, at least one. */
export function linesOf(characters: number, perLine: number, most: number): number {
  return Math.max(1, Math.min(most, Math.ceil(characters / Math.max(1, perLine))))
}
