/** The rows of a batch being read: which event each belongs to, and which events get none. */
import { WireError, type WireReader } from './wire.ts'
import type { EventSink, SignalReader } from './wire_signal.ts'

/** An event that could not be read. */
export interface Malformed {
  /** Index among the events of all exports read. */
  readonly position: number
  readonly detail: string
}

export class EventRows implements EventSink {
  /** Rows filled so far. */
  count = 0
  /** By row. */
  readonly positions: number[] = []
  /** Rows, ascending, that must not be used: they belong to malformed events. */
  readonly badRows: number[] = []
  readonly malformed: Malformed[] = []
  readonly #signal: SignalReader
  /** Position of the next event. */
  #position = 0
  #refused: readonly number[] = []
  #refusedSeen = 0
  /** Where the export being read begins. */
  #firstPosition = 0
  #firstRow = 0

  constructor(signal: SignalReader) {
    this.#signal = signal
  }

  /** Begins an export. @param refused ascending indexes of its events that get no row */
  begin(refused: readonly number[]): void {
    this.#refused = refused
    this.#refusedSeen = 0
    this.#firstPosition = this.#position
    this.#firstRow = this.count
  }

  event(reader: WireReader, end: number): void {
    const position = this.#position++
    if (this.#refused[this.#refusedSeen] === position - this.#firstPosition) {
      this.#refusedSeen++
      reader.at = end
      return
    }
    const row = this.count++
    this.positions.push(position)
    try {
      this.#signal.event(reader, end, row)
    } catch (error) {
      // Whatever it was: the event is kept as a dead letter, and the others need not wait for it.
      this.badRows.push(row)
      this.malformed.push({ position, detail: (error as Error).message })
      reader.at = end
    }
  }

  /** Ends the export. @throws WireError where it had another number of events */
  end(eventCount: number): void {
    const count = this.#position - this.#firstPosition
    if (count !== eventCount) throw new WireError(`${count} events, where the receiver counted ${eventCount}`)
  }

  /** Takes back the whole export and calls its events, as many as the receiver counted, malformed. */
  giveUp(eventCount: number, detail: string): void {
    while (this.badRows.length > 0 && this.badRows.at(-1)! >= this.#firstRow) this.badRows.pop()
    while (this.malformed.length > 0 && this.malformed.at(-1)!.position >= this.#firstPosition) this.malformed.pop()
    for (let row = this.#firstRow; row < this.count; row++) this.badRows.push(row)
    const refused = new Set(this.#refused)
    for (let index = 0; index < eventCount; index++) {
      if (!refused.has(index)) this.malformed.push({ position: this.#firstPosition + index, detail })
    }
    this.#position = this.#firstPosition + eventCount
  }

  /** Passes over the positions of an export that is not read. */
  skip(eventCount: number): void {
    this.#position += eventCount
  }
}
