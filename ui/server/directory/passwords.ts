/** Passwords as argon2id in PHC form (RFC 9106; OWASP's parameters: 19 MiB, two passes). */
import { type Argon2Parameters, argon2, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { ApiError } from '../api/problem.ts'

const MEMORY_KIB = 19_456
const PASSES = 2
const TAG_BYTES = 32
const SALT_BYTES = 16
export const MIN_PASSWORD_LENGTH = 12
export const MAX_PASSWORD_LENGTH = 1024
/** Of those that wait: each takes a tenth of a second of a core and 19 MiB. */
const MAX_WAITING = 32

/** Without what is easily mistaken for another. */
const GENERATED = 'abcdefghijkmnpqrstuvwxyz23456789'

const derive = promisify(argon2)
let waiting = 0

/** @returns `$argon2id$v=19$m=…,t=…,p=1$salt$hash` */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(SALT_BYTES)
  const tag = await work(password, { nonce, memory: MEMORY_KIB, passes: PASSES, tagLength: TAG_BYTES })
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=1$${base64(nonce)}$${base64(tag)}`
}

/** Works as long whether there is a password or not: who waits learns nothing. @param stored `null` fits none */
export async function passwordFits(password: string, stored: string | null): Promise<boolean> {
  const parts = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$([^$]+)\$([^$]+)$/.exec(stored ?? '')
  if (parts === null) {
    await hashPassword(password)
    return false
  }
  const [, memory, passes, salt, expected] = parts
  const tag = Buffer.from(expected, 'base64')
  const nonce = Buffer.from(salt, 'base64')
  const parameters = { nonce, memory: Number(memory), passes: Number(passes), tagLength: tag.length }
  return timingSafeEqual(await work(password, parameters), tag)
}

/** A password of 100 random bits, to be read out. */
export function generatePassword(): string {
  const group = () => Array.from({ length: 5 }, () => GENERATED[randomInt(GENERATED.length)]).join('')
  return [group(), group(), group(), group()].join('-')
}

async function work(password: string, parameters: Omit<Argon2Parameters, 'message' | 'parallelism'>): Promise<Buffer> {
  if (waiting >= MAX_WAITING) {
    throw new ApiError(503, '53300', 'too many are signing in at this moment: try again', { retryAfterSeconds: 1 })
  }
  waiting++
  try {
    // The same letters however they were typed.
    return await derive('argon2id', { ...parameters, message: password.normalize('NFKC'), parallelism: 1 })
  } finally {
    waiting--
  }
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
