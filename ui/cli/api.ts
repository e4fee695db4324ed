/** Asks a running millrace's API. */
import { OperatorError } from '#pipeline/errors/errors.ts'

/** Where it listens, and a key. */
export interface Target {
  readonly url: string
  readonly key: string
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A sentence of the server's. */
export class RefusedError extends OperatorError {
  /** In the statement asked about, characters from 1, where it is known. */
  readonly position: number | undefined
  constructor(message: string, position?: number) {
    super(message)
    this.position = position
  }
}

/**
 * @param query left out where undefined
 * @returns the answer; `null` for an empty one
 * @throws RefusedError with the server's sentence, OperatorError where nobody answers
 */
export async function callApi<T>(
  { url, key }: Target,
  method: Method,
  path: string,
  { query = {}, body }: { readonly query?: Readonly<Record<string, string | undefined>>; readonly body?: object } = {},
): Promise<T> {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`
  const response = await fetch(`${url}${path}${search}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    body: body === undefined ? null : JSON.stringify(body),
  }).catch((cause) => {
    throw new OperatorError(`millrace does not answer at ${url}: ${(cause as Error).message}`, { cause })
  })
  const text = await response.text().catch((cause) => {
    throw new OperatorError(`${url} has broken off its answer: ask again`, { cause })
  })
  const answer = text === '' ? null : parsed(text)
  if (response.ok && answer !== undefined) return answer as T
  const { detail, position } = (answer ?? {}) as { detail?: string; position?: number }
  throw new RefusedError(detail ?? `${url} answered ${response.status}`, position)
}

/** All of a list, page by page. @throws as `callApi` */
export async function listAll<T>(
  target: Target,
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
): Promise<T[]> {
  const items: T[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await callApi<{ items: T[]; next: string | null }>(target, 'GET', path, {
      query: { ...query, cursor },
    })
    items.push(...page.items)
    if (page.next === null) return items
    cursor = page.next
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
