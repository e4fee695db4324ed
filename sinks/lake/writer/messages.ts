/** What the sink and its writer's thread say to each other. */
import { FencedError, InvariantError, OperatorError, TransientError } from '#pipeline/errors/errors.ts'
import type { StoreSettings } from '#sinks/store/open_store.ts'
import type { Retention } from '../compaction/retention.ts'
import type { LakeLimits, Reached } from './lake_writer.ts'
import type { TransferredBatch } from './transfer.ts'

export interface WriterSettings {
  readonly store: StoreSettings
  readonly limits: Partial<LakeLimits>
}

export type Question =
  | { readonly kind: 'add'; readonly batch: TransferredBatch }
  | { readonly kind: 'flush' }
  /** Answered when nothing is being tidied, and nothing will be. */
  | { readonly kind: 'rest' }

/** Each question is answered, in any order; what is to expire is only told. */
export type Request =
  | (Question & { readonly id: number })
  | { readonly kind: 'expire'; readonly retentions: readonly Retention[] }

export type Reply =
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SentError }
  /** How far partitions have come, and what is in the way; sent once a second and before a flush is answered. */
  | { readonly kind: 'reached'; readonly reached: readonly Reached[]; readonly failing: string | null }
  /** A background task failed and is tried again. */
  | { readonly kind: 'warning'; readonly what: string; readonly error: SentError }

/** An error loses its class between threads; its name keeps the kind. */
export interface SentError {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
}

const KINDS = new Map(
  [TransientError, InvariantError, OperatorError, FencedError, RangeError].map((kind) => [kind.name, kind]),
)

export function sentError(error: unknown): SentError {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  return { name, message, stack }
}

export function receivedError({ name, message, stack }: SentError): Error {
  const error = new (KINDS.get(name) ?? Error)(message)
  error.stack = stack
  return error
}
