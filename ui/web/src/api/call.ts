/** Routes of the API as the pages use them: read, and changed. Where the session has ended, the door is shown. */
import { fetchJson, Problem } from './problem.ts'
import { sessionEnded } from './session.ts'

/** @throws Problem; DOMException `AbortError` */
export function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return call(path, { signal: signal ?? null })
}

/** @throws Problem */
export function change<T = null>(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<T> {
  if (body === undefined) return call(path, { method })
  return call(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
}

async function call<T>(path: string, init: RequestInit): Promise<T> {
  try {
    return await fetchJson<T>(path, init)
  } catch (error) {
    // A wrong password is a 401, too, and ends nothing.
    if (error instanceof Problem && error.status === 401 && error.code === '28000') sessionEnded()
    throw error
  }
}
