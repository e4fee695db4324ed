/** Kafka's errors as the log's. */
import { FencedError, InvariantError, OperatorError, TransientError } from '../../errors/errors.ts'
import { isConnectionError, protocolError } from './kafkajs.ts'

/** Another broker has it now. */
const STALE = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'KAFKA_STORAGE_ERROR',
])
const NOT_COORDINATOR = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
])
const DENIED =
  /AUTHORIZATION_FAILED|AUTHENTICATION_FAILED|UNSUPPORTED_SASL_MECHANISM|ILLEGAL_SASL_STATE|SECURITY_DISABLED/
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/

export const isStale = (error: unknown): boolean => STALE.has(protocolError(error) ?? '')
export const isNotCoordinator = (error: unknown): boolean => NOT_COORDINATOR.has(protocolError(error) ?? '')

/**
 * @param doing what failed, as in "appending to telemetry.raw.v1"
 * @returns the error itself where it is one of ours
 */
export function asLogError(cause: unknown, doing: string): Error {
  if (cause instanceof RangeError) return cause
  if ([TransientError, OperatorError, InvariantError, FencedError].some((kind) => cause instanceof kind)) {
    return cause as Error
  }
  const { name, message, code } = cause as Error & { code?: string | number }
  const type = protocolError(cause) ?? String(code ?? '')
  if (name === 'KafkaJSSASLAuthenticationError' || DENIED.test(type)) {
    return new OperatorError(
      `Kafka refuses ${doing}: ${message}. Check user, password and mechanism in MILLRACE_LOG, and what the user may do`,
      { cause },
    )
  }
  if (CERTIFICATE.test(type)) {
    return new OperatorError(
      `Kafka's certificate is not trusted: ${message}. Name its authority in NODE_EXTRA_CA_CERTS`,
      {
        cause,
      },
    )
  }
  if (name === 'KafkaJSServerDoesNotSupportApiKey' || type === 'UNSUPPORTED_VERSION') {
    return new OperatorError(`Kafka is too old: version 3.6 or newer is needed (${message})`, { cause })
  }
  if (isConnectionError(cause) || (cause as { retriable?: boolean }).retriable === true || type === 'UNKNOWN') {
    return new TransientError(`Kafka: ${doing}: ${message}`, { cause })
  }
  return new InvariantError(`Kafka: ${doing}: ${message}`, { cause })
}
