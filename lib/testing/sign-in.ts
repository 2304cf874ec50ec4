import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { findTestDoor, type StagedLogin, type TestDoor } from '../flows/test-door.js'
import { checkOptions } from './check-options.js'
import { refuseInProduction } from './refuse-in-production.js'

/** The logged-in user. `sub` defaults to a new user each time. */
export interface TestClaims {
  sub?: string
  email?: string
  name?: string
  [claim: string]: unknown
}

/** Session settings other than claims. */
export interface TestSession {
  /** Granted scopes. Default: the `scope` option. */
  scope?: string
  /** Default `test-access-token`. */
  accessToken?: string
  /** Epoch seconds. Default: one day from now. */
  expiresAt?: number
  /** Default none. */
  refreshToken?: string
  /** Whether the session lasts as long as one with `remember_me`. Default false. */
  remember?: boolean
}

const sessionSchema = z.strictObject({
  ...{ scope: z.string().optional(), accessToken: z.string().optional(), expiresAt: z.number().optional() },
  ...{ refreshToken: z.string().optional(), remember: z.boolean().optional() },
} satisfies Record<keyof TestSession, z.ZodType>)

/** The used part of a supertest agent. */
export interface CookieAgent {
  jar: { setCookie(cookie: string, host: string, path: string): unknown }
}

/**
 * Logs a supertest agent in without a password or Auth0 and returns the agent. Given an app instead of an agent,
 * returns a value for the `Cookie` header. `auth` is the instance that protects the app's routes.
 *
 * @throws Error with `NODE_ENV=production`; ConfigurationError if `session` has an unknown or invalid member.
 */
export function signIn<A extends CookieAgent>(agent: A, ...who: Who): Promise<A>
export function signIn(app: object, ...who: Who): Promise<string>
export async function signIn(target: object, ...[auth, claims = {}, session = {}]: Who) {
  const cookie = await loggedInCookie(auth, claims, session)
  if (!isAgent(target)) return cookie
  target.jar.setCookie(`${cookie}; Path=/`, '127.0.0.1', '/')
  return target
}

type Who = [auth: object, claims?: TestClaims, session?: TestSession]

function isAgent(target: object): target is CookieAgent {
  return 'jar' in target
}

async function loggedInCookie(auth: object, claims: TestClaims, session: TestSession): Promise<string> {
  refuseInProduction('signIn')
  checkOptions('signIn', sessionSchema, session)
  const door = findTestDoor(auth)
  if (!door) throw new TypeError('signIn takes what createRopgAuth returned')
  const header = await door.stage(stagedLogin(door, claims, session))
  return header.split(';')[0] ?? ''
}

function stagedLogin(
  { defaultScope, clock }: TestDoor,
  { sub = `auth0|${randomUUID()}`, ...claims }: TestClaims,
  { scope = defaultScope, accessToken = 'test-access-token', expiresAt, refreshToken, remember = false }: TestSession,
): StagedLogin {
  const inOneDay = Math.floor(clock() / 1000) + 86_400
  const user = { ...claims, sub }
  return { sub, user, scope, remember, refreshToken, accessToken, expiresAt: expiresAt ?? inOneDay }
}
