/** Why a request is answered with an error, and the status that says so in gRPC and in HTTP. */
import { status } from '@grpc/grpc-js'

/** gRPC codes: google.golang.org/grpc/codes; HTTP statuses: opentelemetry.io/docs/specs/otlp, "Failures". */
const STATUSES = {
  malformed: { grpc: status.INVALID_ARGUMENT, http: 400 },
  unauthenticated: { grpc: status.UNAUTHENTICATED, http: 401 },
  permission_denied: { grpc: status.PERMISSION_DENIED, http: 403 },
  unknown_path: { grpc: status.UNIMPLEMENTED, http: 404 },
  unknown_method: { grpc: status.UNIMPLEMENTED, http: 405 },
  too_large: { grpc: status.RESOURCE_EXHAUSTED, http: 413 },
  unsupported_type: { grpc: status.INVALID_ARGUMENT, http: 415 },
  quota_exceeded: { grpc: status.RESOURCE_EXHAUSTED, http: 429 },
  overloaded: { grpc: status.UNAVAILABLE, http: 429 },
  internal: { grpc: status.INTERNAL, http: 500 },
  unavailable: { grpc: status.UNAVAILABLE, http: 503 },
} as const

export type RefusalKind = keyof typeof STATUSES

/** A whole request refused. Nothing of it counts as received, though after `unavailable` parts of it may be stored. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly kind: RefusalKind
  /** When trying again makes sense; `null` where it never will. */
  readonly retryAfterMs: number | null

  constructor(kind: RefusalKind, message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.kind = kind
    this.retryAfterMs = options.retryAfterMs ?? null
  }

  get grpcCode(): number {
    return STATUSES[this.kind].grpc
  }

  get httpStatus(): number {
    return STATUSES[this.kind].http
  }
}

/** What to answer to `error`. One that is no refusal is a fault of ours: `report` is told, the client only that. */
export function asRefusal(error: unknown, report: ((error: unknown) => void) | undefined): Refusal {
  if (error instanceof Refusal) return error
  report?.(error)
  return new Refusal('internal', 'an error on our side; it has been logged', { cause: error })
}
