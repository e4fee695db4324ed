/** Why the server did not answer, in its own words. */
export class Problem extends Error {
  override readonly name = 'Problem'
  /** HTTP status; 0 where the server was not reached. */
  readonly status: number
  /** Place in the statement, characters from 1, where known. */
  readonly position: number | undefined
  /** SQLSTATE, where the server said one. */
  readonly code: string | undefined
  constructor(status: number, message: string, position?: number, code?: string) {
    super(message)
    this.code = code
    this.status = status
    this.position = position
  }
}

/** Fetches JSON of our own server. @throws Problem; DOMException `AbortError` where the caller aborted */
export async function fetchJson<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response
  try {
    response = await fetch(path, init)
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new Problem(0, 'The server does not answer.')
  }
  const text = await response.text().catch(() => '')
  const body = parsed(text)
  if (response.ok && body !== undefined) return body as T
  const { detail, position, code } = (body ?? {}) as { detail?: string; position?: number; code?: string }
  throw new Problem(response.status, detail ?? `The server answered ${response.status}.`, position, code)
}

function parsed(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return undefined
  }
}

export function postJson<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  return fetchJson<T>(path, { method: 'POST', headers, body: JSON.stringify(body), signal: signal ?? null })
}
