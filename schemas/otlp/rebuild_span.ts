import type { KeyValue, Span, SpanEvent, SpanLink } from './otlp.ts'
import { type PlainJson, parsePlainJson } from './plain_json.ts'
import { type Exact, entriesOf, given, nanosOf, numberOf, type StoredRow, textOf } from './rebuild_value.ts'
import { nanosOfIso } from './wire_time.ts'

type PlainObject = { readonly [key: string]: PlainJson }

/** SpanKind by the column's words. */
const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer']
/** StatusCode by the column's words. */
const STATUS_CODES = ['UNSET', 'OK', 'ERROR']

/** A stored span as it was. */
export function rebuildSpan(row: StoredRow, exact: Exact, attributes: KeyValue[] | undefined): Span {
  const code = (exact.statusCode as number) ?? STATUS_CODES.indexOf(textOf(row.status_code) ?? 'UNSET')
  return given<Span>({
    traceId: textOf(row.context___trace_id),
    spanId: textOf(row.context___span_id),
    traceState: textOf(row.context___trace_state),
    parentSpanId: textOf(row.parent_id),
    flags: numberOf(row.flags),
    name: (exact.name as string) ?? textOf(row.name),
    kind: (exact.kind as number) ?? KINDS.indexOf(textOf(row.kind) ?? ''),
    startTimeUnixNano: exact.time === undefined ? nanosOf(row.timestamp, row.timestamp_nanos) : undefined,
    endTimeUnixNano: nanosOf(row.end_time, row.end_nanos),
    attributes,
    droppedAttributesCount: numberOf(row.dropped_attributes_count),
    events: (exact.events as SpanEvent[]) ?? list(textOf(row.events))?.map(event),
    droppedEventsCount: numberOf(row.dropped_events_count),
    links: (exact.links as SpanLink[]) ?? list(textOf(row.links))?.map(link),
    droppedLinksCount: numberOf(row.dropped_links_count),
    status: given({ message: textOf(row.status_message), code }),
  })
}

function list(json: string | undefined): PlainObject[] | undefined {
  return json === undefined ? undefined : (parsePlainJson(json) as PlainObject[])
}

function event(plain: PlainObject): SpanEvent {
  return {
    timeUnixNano: nanosOfIso(plain.event_time as string),
    name: plain.event_name as string,
    attributes: entriesOf(plain.event_attributes as PlainObject),
    droppedAttributesCount: Number(plain.event_dropped_attributes_count),
  }
}

function link(plain: PlainObject): SpanLink {
  return {
    traceId: plain.link_trace_id as string,
    spanId: plain.link_span_id as string,
    traceState: plain.link_trace_state as string,
    attributes: entriesOf(plain.link_attributes as PlainObject),
    droppedAttributesCount: Number(plain.link_dropped_attributes_count),
    flags: Number(plain.link_flags),
  }
}
