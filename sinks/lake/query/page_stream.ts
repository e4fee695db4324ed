/** The pages of one answer on their way from the query process to whoever reads them. */
import type { QueryRow } from '#schemas/query.ts'

type Page = readonly QueryRow[]
type End = { readonly truncated: boolean }

/** What the stream tells the process: a page was taken, or nobody reads on. */
export interface PageSource {
  taken(): void
  stopped(): void
}

/** At most `PAGES_IN_FLIGHT` pages wait in it: the process sends no more until one is taken. */
export class PageStream implements AsyncGenerator<Page, End, void> {
  readonly #source: PageSource
  readonly #pages: Page[] = []
  #outcome: { readonly end: End } | { readonly error: Error } | null = null
  #wake: () => void = () => {}

  constructor(source: PageSource) {
    this.#source = source
  }

  push(page: Page): void {
    this.#pages.push(page)
    this.#wake()
  }

  end(truncated: boolean): void {
    this.#outcome ??= { end: { truncated } }
    this.#wake()
  }

  fail(error: Error): void {
    this.#outcome ??= { error }
    this.#wake()
  }

  async next(): Promise<IteratorResult<Page, End>> {
    while (this.#pages.length === 0 && this.#outcome === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const page = this.#pages.shift()
    if (page !== undefined) {
      if (this.#outcome === null) this.#source.taken()
      return { done: false, value: page }
    }
    if ('error' in this.#outcome!) throw this.#outcome.error
    return { done: true, value: this.#outcome!.end }
  }

  async return(end?: End | PromiseLike<End>): Promise<IteratorResult<Page, End>> {
    if (this.#outcome === null) this.#source.stopped()
    this.#pages.length = 0
    this.#outcome = { end: (await end) ?? { truncated: true } }
    return { done: true, value: this.#outcome.end }
  }

  async throw(error: Error): Promise<IteratorResult<Page, End>> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}
