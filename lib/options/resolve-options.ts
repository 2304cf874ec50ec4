import { pino } from 'pino'
import type { Logger } from '../events.js'
import { interactiveOf, pagesOf } from './browser-ways.js'
import { cookieOf } from './cookie.js'
import { issuerOf } from './domain.js'
import type { Env } from './environment.js'
import { lifetimesOf } from './lifetimes.js'
import { limitsOf } from './limits.js'
import { isWinston, messageFirst } from './message-first.js'
import type { Config, RopgAuthOptions, Seams } from './options.js'
import { readOptions, type CompleteOptions } from './read-options.js'
import { steady } from './steady-logger.js'
import { warningsFor } from './warnings.js'

/** Validates the options, fills in the environment and the defaults, and freezes the result. */
export function resolveOptions(written: RopgAuthOptions = {}, seams: Seams = {}, env: Env = process.env): Config {
  const options = readOptions(written, env)
  const production = env.NODE_ENV === 'production'
  const config: Config = Object.freeze({
    ...tenantOf(options),
    ...listenersOf(options),
    ...timeOf(options, seams),
    session: sessionOf(options, production),
    redis: options.redis as Config['redis'],
    ...waysOf(options),
    loginUrl: options.loginUrl,
    recoveryUrl: options.recoveryUrl,
    limits: limitsOf(options.rateLimit),
    requireHttps: options.requireHttps ?? production,
    allowedOrigins: listOf(options.allowedOrigins),
    exposeTokens: options.exposeTokens ?? false,
    exposeDeniedReason: options.exposeDeniedReason ?? false,
  })
  for (const { option, text } of warningsFor(options, env)) config.logger?.warn({ option }, text)
  return config
}

function tenantOf(options: CompleteOptions) {
  return {
    issuer: issuerOf(options.domain),
    clientId: options.clientId,
    clientSecret: options.clientSecret,
    clientAuth: options.clientAuth,
    realm: options.realm,
    allowedRealms: listOf(options.allowedRealms),
    audience: options.audience,
    scope: options.scope ?? 'openid profile email',
    idTokenSigningAlg: options.idTokenSigningAlg ?? 'RS256',
    forwardClientIp: options.forwardClientIp ?? ('authenticated' as const),
  }
}

function waysOf(options: CompleteOptions) {
  return {
    mfa: options.mfa ?? 'interactive',
    interactive: interactiveOf(options.interactive),
    signup: options.signup ?? false,
    passwordReset: options.passwordReset ?? false,
    backchannelLogout: options.backchannelLogout ?? false,
    pages: pagesOf(options.pages),
  }
}

function listenersOf({ logger, logUserName = 'plain', onLogin, onEvent, onError }: CompleteOptions) {
  return { logger: loggerOf(logger), logUserName, onLogin, onEvent, onError }
}

function loggerOf(logger: RopgAuthOptions['logger']): Logger | undefined {
  if (logger === false) return undefined
  if (!logger) return steady(pino({ name: 'express-auth0-ropg' }))
  return steady(isWinston(logger) ? messageFirst(logger) : logger)
}

function timeOf({ clock, timeouts }: CompleteOptions, seams: Seams) {
  const testClock = clock ? () => clock.now() : seams.testClock
  const { auth0 = 5000, redis = 1000 } = timeouts ?? {}
  return {
    clock: testClock ?? seams.clock ?? Date.now,
    testClock,
    fetch: seams.fetch,
    timeouts: Object.freeze({ auth0, redis }),
  }
}

function sessionOf({ session }: CompleteOptions, production: boolean): Config['session'] {
  return Object.freeze({
    secrets: listOf(new Set([session.secret].flat())),
    ...lifetimesOf(session),
    cookie: cookieOf(session.cookie ?? {}, production),
    preserve: listOf(session.preserve),
    maxPerUser: session.maxPerUser ?? 100,
    prefix: session.prefix ?? 'auth:',
  })
}

/** A frozen copy, so that later changes to the list have no effect. */
const listOf = (items: Iterable<string> = []): readonly string[] => Object.freeze([...items])
