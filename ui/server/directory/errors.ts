/** What a person asked for cannot be done as things are. Nothing was changed. */

/** There is no such thing, or none that the caller may know of. */
export class NotFoundError extends Error {
  override readonly name = 'NotFoundError'
}

/** It does not go together with what is there: a name is taken, a bound is reached. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError'
}
