/**
 * OTLP export requests (opentelemetry-proto `collector/*`) from the wire into the columns of one batch: resources, their
 * scopes and, through the reader of the signal, the events in them.
 */
import type { Signal } from '#pipeline/batch/batch.ts'
import type { Column } from '#pipeline/batch/column.ts'
import { ColumnSet } from '#pipeline/batch/column_set.ts'
import { WireReader } from './wire.ts'
import { AttributeColumns, MAX_ATTRIBUTE_COLUMNS } from './wire_attributes.ts'
import { ExactColumn } from './wire_exact.ts'
import { LogReader } from './wire_logs.ts'
import { MetricReader } from './wire_metrics.ts'
import { type GroupColumns, ResourceColumns, ScopeColumns } from './wire_resource.ts'
import { EventRows, type Malformed } from './wire_rows.ts'
import type { EventColumns, SignalReader } from './wire_signal.ts'
import { SpanReader } from './wire_spans.ts'

/** One export to read. */
export interface ExportPart {
  /** Events in it by the receiver's count. */
  readonly eventCount: number
  /** Ascending indexes of events to leave out. */
  readonly refused: readonly number[]
  /** Microseconds since 1970. */
  readonly receivedAt: number
}

export interface ReadEvents {
  readonly columns: ReadonlyMap<string, Column>
  readonly rows: number
  /** By row: index among the events of all exports, those left out or not read included. */
  readonly positions: readonly number[]
  /** Rows, ascending, that must not be used: they belong to malformed events. */
  readonly badRows: readonly number[]
  readonly malformed: readonly Malformed[]
}

export class ExportReader {
  readonly #columns = new ColumnSet()
  readonly #exact = new ExactColumn(this.#columns)
  readonly #resource: ResourceColumns
  readonly #scope: ScopeColumns
  readonly #signal: SignalReader
  readonly #rows: EventRows

  constructor(signal: Signal) {
    const columns = this.#columns
    const exact = this.#exact
    const budget = { left: MAX_ATTRIBUTE_COLUMNS }
    this.#signal = signalReader(signal, {
      columns,
      exact,
      attributes: new AttributeColumns('attributes', columns, budget),
    })
    this.#resource = new ResourceColumns(signal, columns, budget, exact)
    this.#scope = new ScopeColumns(signal, columns, exact)
    this.#rows = new EventRows(this.#signal)
  }

  /**
   * Reads an export after those before it. A malformed event does not keep the others from being read; where the
   * request around them is malformed, all its events are. Never throws.
   * @param protobuf gives the Export…ServiceRequest; where it throws, the export is malformed
   */
  read(part: ExportPart, protobuf: () => Uint8Array): void {
    this.#rows.begin(part.refused)
    this.#signal.receivedAt = part.receivedAt
    try {
      const body = protobuf()
      this.#readRequest(new WireReader(body), body.length)
      this.#rows.end(part.eventCount)
    } catch (error) {
      this.#rows.giveUp(part.eventCount, (error as Error).message)
    }
  }

  /** Passes over the positions of an export that is not read. */
  skip(eventCount: number): void {
    this.#rows.skip(eventCount)
  }

  /** Ends the batch. The reader must not be used afterwards. */
  finish(): ReadEvents {
    const { count, positions, badRows, malformed } = this.#rows
    this.#exact.finish()
    this.#signal.finish?.(count)
    return { columns: this.#columns.finish(count), rows: count, positions, badRows, malformed }
  }

  /** ExportLogsServiceRequest and its like: resource_… = 1. */
  #readRequest(reader: WireReader, end: number): void {
    while (reader.at < end) {
      const tag = reader.tag()
      if (tag === 0x0a) this.#readResourceEvents(reader, reader.lengthEnd(end))
      else reader.skip(tag, end)
    }
    reader.expect(end)
  }

  #readResourceEvents(reader: WireReader, end: number): void {
    this.#readGroup(reader, end, this.#resource, (at) => this.#readScopeEvents(reader, at))
  }

  #readScopeEvents(reader: WireReader, end: number): void {
    this.#readGroup(reader, end, this.#scope, (at) => this.#signal.item(reader, at, this.#rows))
  }

  /**
   * ResourceLogs, ScopeLogs and their like: the message they share = 1, what they hold = 2, schema_url = 3, in any
   * order; so the first waits until the rows it is about are known.
   */
  #readGroup(reader: WireReader, end: number, shared: GroupColumns, readItem: (end: number) => void): void {
    const first = this.#rows.count
    let sharedFrom = reader.at
    let sharedTo = reader.at
    let urlFrom = reader.at
    let urlTo = reader.at
    while (reader.at < end) {
      const tag = reader.tag()
      switch (tag) {
        case 0x0a:
          sharedTo = reader.lengthEnd(end)
          sharedFrom = reader.at
          reader.at = sharedTo
          break
        case 0x12:
          readItem(reader.lengthEnd(end))
          break
        case 0x1a:
          urlTo = reader.lengthEnd(end)
          urlFrom = reader.at
          reader.at = urlTo
          break
        default:
          reader.skip(tag, end)
      }
    }
    reader.expect(end)
    const rows = { first, end: this.#rows.count }
    if (rows.end === rows.first) return
    const { schemaUrl } = shared
    if (urlTo > urlFrom) schemaUrl.fill(rows.first, rows.end, schemaUrl.entry(reader.bytes, urlFrom, urlTo))
    reader.at = sharedFrom
    shared.read(reader, sharedTo, rows)
    this.#signal.identify?.(shared.message, reader, sharedFrom, sharedTo, rows)
    reader.at = end
  }
}

function signalReader(signal: Signal, to: EventColumns): SignalReader {
  if (signal === 'logs') return new LogReader(to)
  return signal === 'traces' ? new SpanReader(to) : new MetricReader(to)
}
