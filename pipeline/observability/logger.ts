/** What millrace says about itself: one JSON object a line on standard error, or readable lines on a terminal. */
import { pino } from 'pino'

export type Logger = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error'>

/** @param level `debug`, `info`, `warn`, `error` or `silent` */
export function createLogger(level: string): Logger {
  return pino(
    { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  )
}
