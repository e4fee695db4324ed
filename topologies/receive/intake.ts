/**
 * What happens to an export, whichever protocol it came by: check it, find out whose it is, mask keys, split it by
 * project, and have it stored.
 */
import { createHash } from 'node:crypto'
import type { Signal } from '#pipeline/batch/batch.ts'
import type { Directory, Principal } from '#schemas/directory.ts'
import { type Inspection, type InspectLimits, inspect, type RefusalReason } from '#schemas/otlp/inspect.ts'
import { transcodeJson } from '#schemas/otlp/json.ts'
import { MalformedError, TooLargeError } from '#schemas/otlp/messages.ts'
import { mask, type Range, splitByResource } from '#schemas/otlp/resource_keys.ts'
import type { ContentType, Export } from '#schemas/raw_record.ts'
import { FULL_SUCCESS, type PartialSuccess } from './answers.ts'
import type { Clock } from './clock.ts'
import { authenticate } from './credentials.ts'
import type { GroupCommit } from './group_commit.ts'
import type { Quotas } from './quotas.ts'
import { Refusal } from './refusal.ts'
import { count, type ReceiverStats } from './stats.ts'

const KEY_BYTES = 16

export interface Incoming {
  readonly signal: Signal
  readonly contentType: ContentType
  /** Uncompressed. */
  readonly body: Uint8Array
  /** Whom the key in the headers speaks for; `null` where there is none. */
  readonly principal: Principal | null
}

export interface IntakeOptions {
  readonly directory: Directory
  readonly commit: GroupCommit
  readonly limits: InspectLimits
  readonly clock: Clock
  readonly stats: ReceiverStats
  readonly quotas: Quotas
}

/** Why an event of an export is not taken. */
type Reason = RefusalReason | 'quota'

/** What is stored under one project. */
interface Part {
  readonly projectId: string
  readonly contentType: ContentType
  readonly body: Uint8Array
  readonly eventCount: number
  /** By index among its events. */
  readonly refused: ReadonlyMap<number, Reason>
}

export class Intake {
  readonly #options: IntakeOptions

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /**
   * Resolves once all of the export is durable, with what was left out of it.
   * @throws Refusal
   */
  async take(incoming: Incoming): Promise<PartialSuccess> {
    const { stats } = this.#options
    const { signal, body } = incoming
    const parts = this.#withinQuotas(readExport(signal, () => this.#parts(incoming)))
    await Promise.all(parts.map((part) => this.#store(part, signal)))
    const counts = stats.signals[signal]
    const refused = parts.flatMap((part) => [...part.refused.values()])
    const eventCount = parts.reduce((sum, part) => sum + part.eventCount, 0)
    counts.acceptedExports++
    counts.acceptedEvents += eventCount - refused.length
    counts.acceptedBytes += body.length
    for (const reason of refused) count(counts.refusedEvents, reason)
    return refused.length === 0 ? FULL_SUCCESS : this.#partialSuccess(refused, eventCount)
  }

  /** @throws Refusal where no event of any part may be taken because of a quota */
  #withinQuotas(parts: readonly Part[]): Part[] {
    const { quotas } = this.#options
    let exhausted: Refusal | null = null
    let taken = false
    const within = parts.map((part): Part => {
      const wanted = part.eventCount - part.refused.size
      const room = quotas.take(part.projectId, wanted, part.body.length)
      if ('reason' in room) exhausted = new Refusal('quota_exceeded', room.reason, { retryAfterMs: room.retryAfterMs })
      else taken = true
      return room.events === wanted ? part : { ...part, refused: withLastRefused(part, wanted - room.events) }
    })
    if (exhausted !== null && !taken) throw exhausted
    return within
  }

  async #store(part: Part, signal: Signal): Promise<void> {
    const { commit, clock, quotas } = this.#options
    const { projectId, eventCount, refused, body } = part
    // Of a project whose quota is used up nothing is kept, whatever the export has for others.
    if (eventCount === refused.size && [...refused.values()].includes('quota')) return
    try {
      await commit.add(projectId, signal, exportOf(part, signal, clock.now()))
    } catch (error) {
      quotas.giveBack(projectId, eventCount - refused.size, body.length)
      throw error
    }
  }

  #parts({ signal, contentType, body, principal }: Incoming): Part[] {
    const { limits } = this.#options
    const isJson = contentType === 'application/json'
    const protobuf = isJson ? transcodeJson(body, signal) : body
    const inspection = inspect(protobuf, signal, limits)
    const { keys, eventCount } = inspection
    const owners = principal === null ? this.#owners(protobuf, inspection) : [principal.projectId]
    if (eventCount === 0) return []
    if (new Set(owners).size > 1) {
      const pieces = splitByResource(mask(protobuf, keys), owners)
      const parts = [...pieces].map(([projectId, piece]): Part => {
        const { eventCount, refused } = inspect(piece, signal, limits)
        return { projectId, contentType: 'application/x-protobuf', body: piece, eventCount, refused }
      })
      return parts.filter((part) => part.eventCount > 0)
    }
    const places = isJson && keys.length > 0 ? jsonPlaces(body, signal, keys) : keys
    const masked = keys.length > 0 ? mask(body, places) : body
    return [{ projectId: owners[0], contentType, body: masked, eventCount, refused: inspection.refused }]
  }

  /** The project of each resource, by the key it names. */
  #owners(protobuf: Uint8Array, { keys, resourceCount }: Inspection): string[] {
    if (keys.length === 0) {
      throw new Refusal(
        'unauthenticated',
        'no API key: send the header "authorization: Bearer <key>" or "x-api-key: <key>", or a resource attribute x-api-key',
      )
    }
    const owners = new Array<string | undefined>(resourceCount)
    const known = new Map<string, string>()
    for (const { resource, start, end } of keys) {
      const key = Buffer.from(protobuf.buffer, protobuf.byteOffset + start, end - start).toString()
      const projectId = known.get(key) ?? authenticate(this.#options.directory, key).projectId
      known.set(key, projectId)
      if ((owners[resource] ?? projectId) !== projectId) {
        throw new Refusal('unauthenticated', `resource ${resource} names the API keys of two projects`)
      }
      owners[resource] = projectId
    }
    return Array.from(owners, (owner, resource) => {
      if (owner !== undefined) return owner
      throw new Refusal('unauthenticated', `resource ${resource} names no API key while others do`)
    })
  }

  #partialSuccess(refused: readonly Reason[], eventCount: number): PartialSuccess {
    const { maxEventBytes, maxAttributes } = this.#options.limits
    const words: Readonly<Record<Reason, string>> = {
      event_too_large: `larger than ${maxEventBytes} bytes`,
      too_many_attributes: `with more than ${maxAttributes} attributes`,
      quota: 'over the quota of the day',
    }
    const reasons = (Object.keys(words) as Reason[]).flatMap((reason) => {
      const times = refused.filter((each) => each === reason).length
      return times === 0 ? [] : [`${times} ${words[reason]}`]
    })
    return { rejected: refused.length, message: `${refused.length} of ${eventCount} refused: ${reasons.join(', ')}` }
  }
}

/** What is wrong with the bytes, as a {@link Refusal}. */
function readExport<T>(signal: Signal, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedError) {
      throw new Refusal('malformed', `the body is no OTLP export of ${signal}: ${error.message}`, { cause: error })
    }
    if (error instanceof TooLargeError) throw new Refusal('too_large', error.message, { cause: error })
    throw error
  }
}

/** Where the keys found in transcoded bytes stand in the JSON they came from. */
function jsonPlaces(body: Uint8Array, signal: Signal, keys: readonly Range[]): Range[] {
  const wanted = new Set(keys.map((key) => key.start))
  const places: Range[] = []
  transcodeJson(body, signal, (at, start, end) => {
    if (wanted.has(at)) places.push({ start, end })
  })
  return places
}

/** Refuses so many more events, the last first: what was sent first is taken first. */
function withLastRefused({ eventCount, refused }: Part, more: number): ReadonlyMap<number, Reason> {
  const rows: [number, Reason][] = [...refused]
  for (let row = eventCount - 1, left = more; left > 0; row--) {
    if (refused.has(row)) continue
    rows.push([row, 'quota'])
    left--
  }
  return new Map(rows.sort(([a], [b]) => a - b))
}

function exportOf(
  { projectId, contentType, body, eventCount, refused }: Part,
  signal: Signal,
  receivedAt: number,
): Export {
  return {
    key: exportKey(projectId, signal, body),
    receivedAt,
    contentType,
    body,
    eventCount,
    refused: [...refused.keys()],
  }
}

/**
 * SHA-256 of project, signal and body, cut to 128 bits: a retry has the same. Measured on 6 KB: 4.8 µs, against 7.6
 * for BLAKE2b and 9.4 for MD5, which have no instructions of their own.
 */
function exportKey(projectId: string, signal: Signal, body: Uint8Array): Uint8Array {
  return createHash('sha256').update(`${projectId}\n${signal}\n`).update(body).digest().subarray(0, KEY_BYTES)
}
