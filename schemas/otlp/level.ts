/** Severity to level: OpenTelemetry's severity numbers, else the words that loggers use. */

export const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const
export const ERROR_LEVEL = LEVELS.indexOf('ERROR')

/** Index into {@link LEVELS}; -1 for none. Four numbers each, from 1 (logs data model, "Field: SeverityNumber"). */
export function levelOfNumber(severityNumber: number): number {
  return severityNumber >= 1 && severityNumber <= 24 ? (severityNumber - 1) >> 2 : -1
}

const WORDS: Readonly<Record<string, (typeof LEVELS)[number]>> = {
  TRACE: 'TRACE',
  FINEST: 'TRACE',
  FINER: 'TRACE',
  VERBOSE: 'DEBUG',
  DEBUG: 'DEBUG',
  DBG: 'DEBUG',
  FINE: 'DEBUG',
  INFO: 'INFO',
  INFORMATION: 'INFO',
  INFORMATIONAL: 'INFO',
  NOTICE: 'INFO',
  WARN: 'WARN',
  WARNING: 'WARN',
  ERROR: 'ERROR',
  ERR: 'ERROR',
  SEVERE: 'ERROR',
  FATAL: 'FATAL',
  CRITICAL: 'FATAL',
  CRIT: 'FATAL',
  ALERT: 'FATAL',
  EMERGENCY: 'FATAL',
  EMERG: 'FATAL',
  PANIC: 'FATAL',
}

/** Index into {@link LEVELS}; -1 for none. Case and a number at the end (`INFO2`) do not matter. */
export function levelOfText(severityText: string): number {
  const word = severityText.trim().toUpperCase().replace(/\d+$/, '')
  return Object.hasOwn(WORDS, word) ? LEVELS.indexOf(WORDS[word]) : -1
}
