/** Lets requests in: who asks, whether they may, whether they ask too often. Of routes and WebSockets alike. */
import type { Access, RequestHead } from './access.ts'
import { type Caller, enforce, type Requirement } from './caller.ts'
import { ApiError, notFound } from './problem.ts'
import { type BucketOptions, TokenBuckets } from './rate_limits.ts'

export interface GateOptions {
  readonly access: Access
  /** Of a key, a user, or an address where nobody is known. */
  readonly requests?: BucketOptions
  /** To guess: a password, a key. Those that fail count. */
  readonly attempts?: BucketOptions
}

export interface Gate {
  /** @param project name or id that the request names @throws ApiError 401, 403, 404, 429 */
  admit(
    head: RequestHead,
    address: string,
    requirement: Requirement,
    project: string | undefined,
  ): Promise<Caller | null>
  /** Whether who was admitted would still be, in the same project. @throws TransientError where it cannot be known */
  stillAdmits(head: RequestHead, caller: Caller, requirement: Requirement): Promise<boolean>
  /** Does what may be a guess. @param names of what is guessed at, and by whom @throws ApiError 429, and what `work` throws */
  attempt<T>(names: readonly string[], work: () => Promise<T>): Promise<T>
}

const REQUESTS: BucketOptions = { burst: 1000, perSecond: 200 }
const ATTEMPTS: BucketOptions = { burst: 10, perSecond: 1 / 6 }

export function createGate({ access, requests = REQUESTS, attempts = ATTEMPTS }: GateOptions): Gate {
  const requestBuckets = new TokenBuckets(requests)
  const attemptBuckets = new TokenBuckets(attempts)
  const limit = (name: string) => {
    const seconds = requestBuckets.take(name)
    if (seconds > 0) throw tooOften('Too many requests', seconds)
  }
  return {
    async admit(head, address, requirement, project) {
      if (requirement === 'public') {
        limit(address)
        return null
      }
      const caller = await access.identify(head)
      limit(caller === null ? address : `${caller.kind} ${caller.id}`)
      if (caller === null || project === undefined) {
        enforce(caller, requirement)
        return caller
      }
      const within = await access.within(caller, project)
      // What is none of the caller's is as if it were not there.
      if (within === null) throw notFound('project', project)
      enforce(within, requirement)
      return within
    },
    async stillAdmits(head, { projectId }, requirement) {
      const caller = await access.identify(head)
      const within = caller === null ? null : await access.within(caller, projectId)
      try {
        enforce(within, requirement)
        return true
      } catch {
        return false
      }
    },
    async attempt(names, work) {
      let failed = false
      for (const name of names) {
        const seconds = attemptBuckets.take(name)
        if (seconds > 0) throw tooOften('Too many attempts', seconds)
      }
      try {
        return await work()
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) failed = true
        throw error
      } finally {
        if (!failed) for (const name of names) attemptBuckets.give(name)
      }
    },
  }
}

function tooOften(what: string, retryAfterSeconds: number): ApiError {
  return new ApiError(429, '53400', `${what}: try again in ${retryAfterSeconds} s`, { retryAfterSeconds })
}
