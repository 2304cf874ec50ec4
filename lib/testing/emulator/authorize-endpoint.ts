import type { Answer } from './answer.js'
import { isAllowedUrl } from './allowed-urls.js'
import { textParam, type Params } from './body.js'
import {
  callback,
  redirect,
  succeed,
  type AuthorizationRequest,
  type CallbackTarget,
  type PkceChallenge,
} from './browser-logins.js'
import type { BrowserSession } from './browser-sessions.js'
import type { Call, Endpoint } from './endpoints.js'
import { GRANT_TYPES } from './grant-types.js'
import { errorPage } from './pages.js'
import { findApi } from './password-grants.js'
import { missingParameter, Refusal, refusal, refusalSaying } from './refusal.js'
import { readScope } from './scopes.js'
import { checkActions } from './user-checks.js'
import type { World } from './world.js'

/** `/authorize`: redirects back immediately if the browser has a session, otherwise to the login page. */
export function authorizeEndpoint(world: World): Endpoint {
  return {
    methods: ['GET', 'POST'],
    answer(call): Answer {
      const { params } = call
      const redirectUri = textParam(params, 'redirect_uri')
      const problem = problemWithTarget(world, params)
      if (problem !== undefined || redirectUri === undefined) return errorPage(403, problem ?? 'Missing redirect_uri')
      const target = { redirectUri, state: textParam(params, 'state') }
      try {
        return authorize(world, call, readRequest(world, params, target))
      } catch (err) {
        return callbackWithError(target, err)
      }
    },
  }
}

/** Redirects refusals to the application. Other errors are bugs in the emulator. */
export function callbackWithError(target: CallbackTarget, err: unknown): Answer {
  if (!(err instanceof Refusal)) throw err
  const { error, error_description } = err.answer.body as { error: string; error_description: string }
  return callback(target, { error, error_description })
}

/** Errors shown on a page, because the redirect URI is not verified yet. */
function problemWithTarget({ signing, tenant }: World, params: Params): string | undefined {
  const clientId = textParam(params, 'client_id') ?? ''
  if (clientId !== signing.clientId) return `Unknown client: ${clientId}`
  const redirectUri = textParam(params, 'redirect_uri') ?? ''
  if (isAllowedUrl(redirectUri, tenant.callbacks)) return undefined
  return `Callback URL mismatch. ${redirectUri} is not in the list of allowed callback URLs`
}

function readRequest(world: World, params: Params, target: CallbackTarget): AuthorizationRequest {
  const responseType = textParam(params, 'response_type')
  if (responseType === undefined) throw missingParameter('response_type')
  if (responseType !== 'code') throw refusal('unsupportedResponseType')
  if (!world.tenant.grantTypes.includes(GRANT_TYPES.authorizationCode)) throw refusal('codeNotAllowed')
  return {
    ...target,
    nonce: textParam(params, 'nonce'),
    challenge: readChallenge(params),
    requested: readScope(params.scope),
    api: findApi(world, { params }),
    connection: chooseConnection(world, params),
    loginHint: textParam(params, 'login_hint') ?? '',
  }
}

function readChallenge(params: Params): PkceChallenge | undefined {
  const value = textParam(params, 'code_challenge')
  const method = textParam(params, 'code_challenge_method') ?? 'plain'
  if (value === undefined) return undefined
  if (!/^[\w.~-]{43,128}$/.test(value)) throw refusalSaying(400, 'invalid_request', 'Invalid code_challenge')
  if (method !== 'S256' && method !== 'plain') {
    throw refusalSaying(400, 'invalid_request', 'Invalid code_challenge_method')
  }
  return { value, method }
}

function chooseConnection({ tenant }: World, params: Params): string {
  const wanted = textParam(params, 'connection') ?? tenant.defaultConnection ?? tenant.connections[0]
  if (wanted !== undefined && tenant.connections.includes(wanted)) return wanted
  throw refusalSaying(400, 'invalid_request', 'the connection was not found')
}

function authorize(world: World, { params, headers }: Call, request: AuthorizationRequest): Answer {
  const prompt = textParam(params, 'prompt')
  const session = prompt === 'login' ? undefined : usableSession(world, headers.cookie, params)
  if (session) {
    checkSession(world, session, prompt)
    return succeed(world.browser, request, session)
  }
  if (prompt === 'none') throw refusal('loginRequired')
  return redirect(`${world.issuer}u/login?state=${world.browser.pending.add(request)}`)
}

/** The browser's session, unless its user is gone or `max_age` requires a newer login. */
function usableSession(world: World, cookies: string | undefined, params: Params): BrowserSession | undefined {
  const session = world.browser.sessions.find(cookies)
  const maxAge = Number(textParam(params, 'max_age') ?? Infinity)
  if (!session || !world.users.findBySub(session.sub)) return undefined
  return world.signing.clock.now() - session.authenticatedAt <= maxAge * 1000 ? session : undefined
}

/** Actions run on every login and may redirect unless `prompt` forbids it. */
function checkSession({ users }: World, { sub }: BrowserSession, prompt: string | undefined): void {
  const user = users.findBySub(sub)
  if (user?.blocked) throw refusal('userBlocked')
  if (user) checkActions(prompt === 'none' ? user : { ...user, interactionRequired: false })
}
