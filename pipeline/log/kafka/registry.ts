/**
 * Schemas in a Confluent-compatible registry, over its HTTP API.
 * https://docs.confluent.io/platform/current/schema-registry/develop/api.html
 */
import { OperatorError, TransientError } from '../../errors/errors.ts'
import type { SchemaRegistry } from '../log.ts'

const TIMEOUT_MS = 10_000
const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json'
/** What readers that know the new schema can still read was written with the last one. */
const COMPATIBILITY = 'BACKWARD'
const MAX_CACHED = 10_000

export interface RegistryOptions {
  /** May carry user and password. */
  readonly url: string
  /** For one path after the other; replaced in tests. */
  readonly fetch?: typeof fetch
}

/** What was found once is never asked for again, so that a registry that goes away later hurts nobody. */
export class Registry implements SchemaRegistry {
  readonly #base: string
  readonly #headers: Record<string, string>
  readonly #fetch: typeof fetch
  readonly #ids = new Map<string, number>()
  readonly #schemas = new Map<number, string>()

  constructor(options: RegistryOptions) {
    const url = new URL(options.url)
    this.#headers = { accept: CONTENT_TYPE, 'content-type': CONTENT_TYPE }
    if (url.username !== '' || url.password !== '') {
      const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
      this.#headers.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`
      url.username = ''
      url.password = ''
    }
    this.#base = url.href.replace(/\/+$/, '')
    this.#fetch = options.fetch ?? fetch
  }

  /** Without user and password. */
  get url(): string {
    return this.#base
  }

  /**
   * As `SchemaRegistry.register`; the subject is made to ask for backward compatibility unless it says otherwise itself.
   * @throws OperatorError where the schema cannot read what is written with the subject's last one, or the registry refuses us
   * @throws TransientError where the registry does not answer
   */
  async register(subject: string, schema: string): Promise<number> {
    const key = `${subject} ${schema}`
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    await this.#demandCompatibility(subject)
    const answer = await this.#ask('POST', path, { schema, schemaType: 'AVRO' })
    if (answer.status === 409) {
      throw new OperatorError(
        `the schema of ${subject} cannot read what was written with the one before, says the registry at ${this.#base} ` +
          `(${answer.message}): run the version of millrace that wrote it, or write to another topic`,
      )
    }
    const { id } = this.#checked(answer, `registering ${subject}`) as { id: number }
    this.#ids.set(key, id)
    if (this.#ids.size > MAX_CACHED) this.#ids.delete(this.#ids.keys().next().value!)
    return id
  }

  async schema(id: number): Promise<string> {
    const known = this.#schemas.get(id)
    if (known !== undefined) return known
    const answer = await this.#ask('GET', `/schemas/ids/${id}`)
    if (answer.status === 404) throw new RangeError(`the registry at ${this.#base} has no schema ${id}`)
    const { schema } = this.#checked(answer, `asking for schema ${id}`) as { schema: string }
    this.#schemas.set(id, schema)
    if (this.#schemas.size > MAX_CACHED) this.#schemas.delete(this.#schemas.keys().next().value!)
    return schema
  }

  async #demandCompatibility(subject: string): Promise<void> {
    const path = `/config/${encodeURIComponent(subject)}`
    const answer = await this.#ask('GET', path)
    if (answer.status !== 404) return void this.#checked(answer, `asking for the compatibility of ${subject}`)
    const set = await this.#ask('PUT', path, { compatibility: COMPATIBILITY })
    // Apicurio, where another process that starts now has been faster.
    if (set.status === 409) return
    this.#checked(set, `setting the compatibility of ${subject}`)
  }

  #checked({ status, body, message }: Answer, doing: string): unknown {
    if (status >= 200 && status < 300) return body
    if (status >= 500 || status === 429 || status === 408) {
      throw new TransientError(`the schema registry at ${this.#base}: ${doing}: ${status} ${message}`)
    }
    const access = status === 401 || status === 403 ? '. Put user and password into MILLRACE_SCHEMA_REGISTRY_URL' : ''
    throw new OperatorError(`the schema registry at ${this.#base} refuses ${doing}: ${status} ${message}${access}`)
  }

  async #ask(method: string, path: string, body?: unknown): Promise<Answer> {
    try {
      const response = await this.#fetch(`${this.#base}${path}`, {
        method,
        headers: this.#headers,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const parsed = parsedOr(text)
      const { message } = (parsed ?? {}) as { message?: string }
      return { status: response.status, body: parsed, message: message ?? text.slice(0, 200) }
    } catch (cause) {
      const { message, cause: reason } = cause as Error & { cause?: Error }
      throw new TransientError(`the schema registry at ${this.#base} does not answer: ${reason?.message ?? message}`, {
        cause,
      })
    }
  }
}

interface Answer {
  readonly status: number
  readonly body: unknown
  readonly message: string
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
