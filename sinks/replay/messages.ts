/** What the process that replays and its parent say to each other over IPC. The rest they read in the catalogue. */
export type ToWorker =
  | { readonly kind: 'start'; readonly generation: number; readonly settings: unknown }
  /** Store everything up to these origins, by partition. Answered by `done` or `failed`. */
  | { readonly kind: 'reach'; readonly id: number; readonly origins: readonly number[] }
  /** Compare with the live generation. Answered by `done` or `failed`. */
  | { readonly kind: 'compare'; readonly id: number }

export type FromWorker =
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
  | { readonly kind: 'warning'; readonly message: string }

/** The exit code of one that is to be started again. */
export const TRY_AGAIN = 75
