import { ConfigurationError } from '../errors.js'
import type { Logger } from '../events.js'

/** A logger that takes the message first, such as winston or the console. */
export interface MessageFirstLogger {
  info(message: string, fields: object): unknown
  warn(message: string, fields: object): unknown
  error(message: string, fields: object): unknown
}

/**
 * Adapts a logger that takes the message first to the `logger` option.
 *
 * @throws ConfigurationError if it lacks one of the methods `info`, `warn` and `error`.
 */
export function messageFirst(logger: MessageFirstLogger): Logger {
  if (!hasLevels(logger)) {
    throw new ConfigurationError('messageFirst requires a logger with the methods info, warn and error')
  }
  return {
    info: (fields, message) => logger.info(message, fields),
    warn: (fields, message) => logger.warn(message, fields),
    error: (fields, message) => logger.error(message, fields),
  }
}

/** Whether a value can be used as a logger. */
export function hasLevels(value: unknown): boolean {
  const methods = Object(value) as Record<string, unknown>
  return ['info', 'warn', 'error'].every((level) => typeof methods[level] === 'function')
}

/** Detects winston, which would print `[object Object]` for fields in first position. */
export function isWinston(logger: object): logger is MessageFirstLogger {
  return 'transports' in logger && 'exceptions' in logger
}
