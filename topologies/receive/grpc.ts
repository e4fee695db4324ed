/** OTLP/gRPC: the Export method of the three collector services. Messages are taken as bytes, not decoded. */
import {
  type handleUnaryCall,
  logVerbosity,
  Metadata,
  Server,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  setLogVerbosity,
} from '@grpc/grpc-js'
import type { Signal } from '#pipeline/batch/batch.ts'
import type { Directory } from '#schemas/directory.ts'
import { encodeStatus, encodeSuccess } from './answers.ts'
import { authenticate, headerKey } from './credentials.ts'
import type { InFlight } from './in_flight.ts'
import type { Intake } from './intake.ts'
import { asRefusal } from './refusal.ts'
import { count, type ReceiverStats } from './stats.ts'

/** `opentelemetry/proto/collector/…/v1/…_service.proto`. */
const SERVICES: Readonly<Record<Signal, string>> = {
  logs: 'opentelemetry.proto.collector.logs.v1.LogsService',
  traces: 'opentelemetry.proto.collector.trace.v1.TraceService',
  metrics: 'opentelemetry.proto.collector.metrics.v1.MetricsService',
}

// What it would print on standard error reaches us as errors, too.
setLogVerbosity(logVerbosity.NONE)

const asItIs = (bytes: Buffer) => bytes

export interface GrpcOptions {
  readonly intake: Intake
  readonly directory: Directory
  readonly inFlight: InFlight
  /** Bytes of a message, as sent and uncompressed. */
  readonly maxBodyBytes: number
  readonly stats: ReceiverStats
  /** Told of what should not happen; the client has been told INTERNAL. */
  readonly onError?: ((error: unknown) => void) | undefined
}

export function createGrpcServer(options: GrpcOptions): Server {
  const server = new Server({
    'grpc.max_receive_message_length': options.maxBodyBytes,
    // The library holds a message as a whole before it hands it over: few at a time on one connection.
    'grpc.max_concurrent_streams': 64,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
  })
  for (const [signal, service] of Object.entries(SERVICES) as [Signal, string][]) {
    server.addService(definition(service), { Export: handler(signal, options) })
  }
  return server
}

function definition(service: string): ServiceDefinition {
  return {
    Export: {
      path: `/${service}/Export`,
      requestStream: false,
      responseStream: false,
      requestSerialize: asItIs,
      requestDeserialize: asItIs,
      responseSerialize: asItIs,
      responseDeserialize: asItIs,
    },
  }
}

function handler(signal: Signal, options: GrpcOptions): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    void serve(signal, call, callback, options)
  }
}

async function serve(
  signal: Signal,
  call: ServerUnaryCall<Buffer, Buffer>,
  callback: sendUnaryData<Buffer>,
  { intake, directory, inFlight, stats, onError }: GrpcOptions,
): Promise<void> {
  const lease = inFlight.lease()
  try {
    const { request: body, metadata } = call
    const key = headerKey(first(metadata, 'authorization'), first(metadata, 'x-api-key'))
    const principal = key === null ? null : authenticate(directory, key)
    lease.grow(body.length)
    const success = await intake.take({ signal, contentType: 'application/x-protobuf', body, principal })
    callback(null, encodeSuccess(success, signal, 'application/x-protobuf'))
  } catch (error) {
    const refusal = asRefusal(error, onError)
    count(stats.signals[signal].refusedExports, refusal.kind)
    const trailers = new Metadata()
    if (refusal.retryAfterMs !== null) {
      trailers.set('grpc-status-details-bin', encodeStatus(refusal, 'application/x-protobuf'))
    }
    callback({ code: refusal.grpcCode, details: refusal.message, metadata: trailers })
  } finally {
    lease.release()
  }
}

function first(metadata: Metadata, name: string): string | undefined {
  return metadata.get(name)[0]?.toString()
}
