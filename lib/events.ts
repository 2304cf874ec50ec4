import { AuthError, type Auth0Answer, type AuthErrorCode } from './errors.js'
import type { NameDoubt } from './typed-name.js'
import { countLimited, countLogin, countRefresh } from './telemetry.js'

/** Names of the events, and the level at which each reaches the logger. */
export const EVENT_LEVELS = {
  'login.succeeded': 'info',
  'login.failed': 'warn',
  'login.rate_limited': 'warn',
  'mfa.required': 'info',
  'mfa.succeeded': 'info',
  'mfa.failed': 'warn',
  'token.refreshed': 'info',
  'token.refresh_failed': 'warn',
  logout: 'info',
  'session.revoked': 'info',
  'store.unavailable': 'error',
  'store.recovered': 'info',
} as const satisfies Record<string, 'info' | 'warn' | 'error'>

export type AuthEventName = keyof typeof EVENT_LEVELS

/** An event for operators. It never contains a password, token, code, secret, or cookie value. */
export interface AuthEvent {
  name: AuthEventName
  /** ISO 8601. */
  time: string
  requestId?: string
  /** Client address as Express resolves it. */
  ip?: string
  /** As typed, or hashed because of `logUserName: 'hashed'` or because it may be a password. */
  userName?: string
  /** Why `userName` is hashed although `logUserName` is `'plain'`. */
  userNameHashed?: NameDoubt
  sub?: string
  /** Public handle of the session. */
  sessionId?: string
  code?: AuthErrorCode
  /** Auth0's response. */
  auth0?: Auth0Answer
  durationMs?: number
  /** For operators: what to change, or what happened. */
  detail?: string
}

/** A pino logger, or any logger with these methods. */
export interface Logger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Reports an event and marks its error as reported. Never throws. */
export type Report = (event: Omit<AuthEvent, 'time'>, about?: unknown) => void

/** Logs, once per cause, what was seen and what to set. */
export type Hint = (cause: string, text: string, seen?: object) => void

export function createHint(logger: Logger | undefined): Hint {
  const given = new Set<string>()
  return (cause, text, seen = {}) => {
    if (given.has(cause)) return
    given.add(cause)
    logger?.warn({ cause, ...seen }, text)
  }
}

/** Turns any other error, which is a bug, into `internal_error`. Its name and stack are logged. */
export function knownError(err: unknown, logger: Logger | undefined): AuthError {
  if (err instanceof AuthError) return err
  const { name, stack } = Object(err) as Partial<Error>
  logger?.error({ name, at: stack?.split('\n').filter((line) => /^\s+at /.test(line)) }, 'internal_error')
  return new AuthError('internal_error')
}

const told = new WeakSet()

/** Returns true once for each error that no event has reported. The caller has to report it. */
export function firstToTell(err: object): boolean {
  const first = !told.has(err)
  told.add(err)
  return first
}

export interface ReportTargets {
  clock: () => number
  logger: Logger | undefined
  onEvent: ((event: AuthEvent) => unknown) | undefined
}

export function createReport({ clock, logger, onEvent }: ReportTargets): Report {
  return (fields, about) => {
    if (about instanceof Object) told.add(about)
    measure(fields)
    const event: AuthEvent = { ...fields, time: new Date(clock()).toISOString() }
    const { name, time: _time, ...rest } = event
    const level = event.code === 'configuration_error' ? 'error' : EVENT_LEVELS[name]
    // Loggers add their own time and name.
    logger?.[level]({ event: name, ...rest }, name)
    if (onEvent) void notify(onEvent, event, logger)
  }
}

/** Updates the metrics. */
function measure({ name, code }: Omit<AuthEvent, 'time'>): void {
  if (name === 'login.succeeded') countLogin('success')
  if (name === 'login.failed' || name === 'mfa.required') countLogin(code ?? 'internal_error')
  if (name === 'login.rate_limited') countLimited('login')
  if (name === 'token.refreshed') countRefresh('success')
  if (name === 'token.refresh_failed') countRefresh(code ?? 'internal_error')
}

async function notify(onEvent: (event: AuthEvent) => unknown, event: AuthEvent, logger: Logger | undefined) {
  try {
    await onEvent(event)
  } catch {
    // The listener's error may contain anything, so only the failure is logged.
    logger?.error({ event: event.name }, 'the onEvent listener failed')
  }
}
