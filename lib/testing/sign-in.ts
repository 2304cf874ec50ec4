import { randomUUID } from 'node:crypto'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { findSessionDoor, type SessionDoor } from '../session-door.js'
import type { SessionRequest } from '../session/session-middleware.js'
import { refuseInProduction } from './refuse-in-production.js'

/** Who is logged in. `sub` defaults to a new user each time. */
export interface TestClaims {
  sub?: string
  email?: string
  name?: string
  [claim: string]: unknown
}

/** What the session holds beside the claims. */
export interface TestSession {
  /** Granted scopes. Default: the `scope` option. */
  scope?: string
  /** Default `test-access-token`. */
  accessToken?: string
  /** Epoch seconds. Default: in a day. */
  expiresAt?: number
  /** Default none. */
  refreshToken?: string
  /** As after `remember_me`. Default false. */
  remember?: boolean
}

/** A supertest agent, as far as it is needed. */
export interface CookieAgent {
  jar: { setCookie(cookie: string, host: string, path: string): unknown }
}

/**
 * Logs a supertest agent in, without a login and without Auth0, and returns it; given an app in place of an agent,
 * returns a value for the `Cookie` header. `auth` is the instance that protects the app's routes.
 *
 * @throws Error under `NODE_ENV=production`.
 */
export function signIn<A extends CookieAgent>(agent: A, ...who: Who): Promise<A>
export function signIn(app: object, ...who: Who): Promise<string>
export async function signIn(target: object, auth: object, claims: TestClaims = {}, session: TestSession = {}) {
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
  const door = findSessionDoor(auth)
  if (!door) throw new TypeError('signIn takes what createRopgAuth returned')
  const { req, res } = exchange()
  await mounted(door, req, res)
  await door.sessions.establish(req, newLogin(door, claims, session))
  res.writeHead(200)
  const [cookie = ''] = [res.getHeader('set-cookie')].flat().map((header) => String(header).split(';')[0])
  return cookie
}

function newLogin(
  { defaults }: SessionDoor,
  { sub = `auth0|${randomUUID()}`, ...claims }: TestClaims,
  { scope = defaults.scope, accessToken = 'test-access-token', expiresAt, refreshToken, remember = false }: TestSession,
) {
  const inOneDay = Math.floor(defaults.clock() / 1000) + 86_400
  const tokenSet = { accessToken, tokenType: 'Bearer', audience: defaults.audience, scope, expiresAt: expiresAt ?? inOneDay }
  return { sub, user: { ...claims, sub }, scope, remember, refreshToken, tokenSets: [tokenSet] }
}

/** A request that looks as if it had come over HTTPS, so that a Secure cookie is given out. */
function exchange(): { req: SessionRequest; res: ServerResponse } {
  const req = new IncomingMessage(Object.assign(new Socket(), { encrypted: true })) as SessionRequest
  req.url = '/'
  return { req, res: new ServerResponse(req) }
}

function mounted({ sessions }: SessionDoor, req: SessionRequest, res: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    sessions.middleware(req, res, (err?: unknown) => {
      if (err === undefined) resolve()
      else reject(err as Error)
    })
  })
}
