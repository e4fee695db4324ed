/**
 * The bytes of answers: Export…ServiceResponse (opentelemetry-proto `collector/*`) and google.rpc.Status with
 * google.rpc.RetryInfo (googleapis `google/rpc/{status,error_details}.proto`), in protobuf or JSON.
 */
import type { Signal } from '#pipeline/batch/batch.ts'
import { ProtobufWriter } from '#schemas/otlp/protobuf_writer.ts'
import type { ContentType } from '#schemas/raw_record.ts'
import type { Refusal } from './refusal.ts'

/** What was not taken of an export that otherwise was. */
export interface PartialSuccess {
  /** Events. 0 for full success. */
  readonly rejected: number
  readonly message: string
}

export const FULL_SUCCESS: PartialSuccess = { rejected: 0, message: '' }

const REJECTED_NAMES: Readonly<Record<Signal, string>> = {
  logs: 'rejectedLogRecords',
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
}
const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo'

/** ExportLogsServiceResponse and its like: they differ only in a name that protobuf does not send. */
export function encodeSuccess({ rejected, message }: PartialSuccess, signal: Signal, type: ContentType): Buffer {
  if (type === 'application/json') {
    const partialSuccess = { [REJECTED_NAMES[signal]]: String(rejected), errorMessage: message }
    return Buffer.from(JSON.stringify(rejected === 0 ? {} : { partialSuccess }))
  }
  if (rejected === 0) return Buffer.alloc(0)
  const writer = new ProtobufWriter(64 + message.length)
  nested(writer, 1, () => {
    varint(writer, 1, rejected)
    text(writer, 2, message)
  })
  return Buffer.from(writer.finish())
}

/** google.rpc.Status. */
export function encodeStatus({ grpcCode, message, retryAfterMs }: Refusal, type: ContentType): Buffer {
  if (type === 'application/json') {
    const details =
      retryAfterMs === null ? [] : [{ '@type': RETRY_INFO, retryDelay: `${(retryAfterMs / 1000).toFixed(3)}s` }]
    return Buffer.from(JSON.stringify({ code: grpcCode, message, details }))
  }
  const writer = new ProtobufWriter(128 + message.length)
  varint(writer, 1, grpcCode)
  text(writer, 2, message)
  if (retryAfterMs !== null) {
    nested(writer, 3, () => {
      text(writer, 1, RETRY_INFO)
      nested(writer, 2, () =>
        nested(writer, 1, () => {
          varint(writer, 1, Math.floor(retryAfterMs / 1000))
          varint(writer, 2, (retryAfterMs % 1000) * 1_000_000)
        }),
      )
    })
  }
  return Buffer.from(writer.finish())
}

function varint(writer: ProtobufWriter, field: number, value: number): void {
  writer.varint32(field << 3)
  writer.varint32(value)
}

function text(writer: ProtobufWriter, field: number, value: string): void {
  const bytes = Buffer.from(value)
  writer.varint32((field << 3) | 2)
  writer.delimited(bytes, 0, bytes.length)
}

function nested(writer: ProtobufWriter, field: number, content: () => void): void {
  writer.varint32((field << 3) | 2)
  const begin = writer.open()
  content()
  writer.close(begin)
}
