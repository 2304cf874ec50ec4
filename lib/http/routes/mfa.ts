import type { Request, RequestHandler, Response } from 'express'
import { AuthError, type AuthErrorCode } from '../../errors.js'
import type { Hint } from '../../events.js'
import type { MfaFlow, Waiting } from '../../flows/mfa.js'
import type { TokenOwner } from '../../flows/refresh-tokens.js'
import type { Config } from '../../options/options.js'
import type { PendingCookie } from '../../pending/pending-cookie.js'
import type { Sessions } from '../../session/sessions.js'
import { isSecure } from '../client-address.js'
import type { Limits } from '../guards/limits.js'
import { readChallenge, readEnrollment, readProof } from '../mfa-input.js'
import { afterLogin, backToLogin, type Answer } from '../pages.js'
import { placeOf, setCookie } from '../place.js'
import type { SendError } from '../send-error.js'
import { whoAsks } from '../who-asks.js'
import { answering } from './answering.js'
import { loginAnswer } from './login.js'

export interface MfaRoutesParts {
  config: Config
  mfa: MfaFlow
  mfaCookie: PendingCookie
  sessions: Sessions
  limits: Limits
  sendError: SendError
  answer: Answer
  hint: Hint
}

interface Found {
  waiting: Waiting
  /** The session of the request, if it has one. */
  owner: TokenOwner | undefined
}

/** Set by the first handler of a route. */
const found = new WeakMap<Request, Found>()

/** Responds with 401 `mfa_expired` if no login is waiting for its second factor. */
export function findWaiting(parts: MfaRoutesParts): RequestHandler {
  return (req, res, next) => {
    find(parts, req).then(
      (waiting) => {
        found.set(req, waiting)
        next()
      },
      (err: unknown) => {
        parts.sendError(err, { req, res, next })
      },
    )
  }
}

/** Finds a login by its own cookie, or a session whose refresh requires a second factor. */
async function find({ mfa, mfaCookie, sessions }: MfaRoutesParts, req: Request): Promise<Found> {
  const login = await mfa.find(mfaCookie.read(req).map(({ id }) => id))
  if (login) return { waiting: login, owner: undefined }
  const presented = await sessions.present(req)
  const live = presented.state === 'live' ? presented : undefined
  const waiting = live && (await mfa.findForSession(live.id))
  if (!waiting) throw new AuthError('mfa_expired')
  const end = async () => {
    await sessions.end(live.id, live.login)
  }
  return { waiting, owner: { id: live.id, login: live.login, end } }
}

function waitingOf(req: Request): Found {
  const known = found.get(req)
  if (!known) throw new AuthError('mfa_expired')
  return known
}

/** `GET /mfa/authenticators`: lists the user's active factors. */
export function listAuthenticators({ mfa, limits, sendError }: MfaRoutesParts): RequestHandler {
  return answering(sendError, async (req, res) => {
    const { waiting } = waitingOf(req)
    await limits.authenticators({ req, res }, waiting.login.username)
    res.json({ authenticators: await mfa.list(waiting) })
  })
}

/** `POST /mfa/challenge`: sends a code or a push notification. */
export function challenge({ mfa, limits, answer, sendError }: MfaRoutesParts): RequestHandler {
  return answering(sendError, async (req, res) => {
    const wanted = readChallenge(req.body)
    const { waiting } = waitingOf(req)
    await limits.mfa({ req, res }, waiting.login.username)
    const { challengeType, bindingMethod } = await mfa.challenge(waiting, wanted)
    const json = { challenge_type: challengeType, binding_method: bindingMethod }
    answer(req, res, { json, page: backToLogin(req, 'mfa_required') })
  })
}

/** `POST /mfa/enroll`: starts enrolling a first factor, which `/mfa/verify` confirms. */
export function enroll({ mfa, limits, sendError }: MfaRoutesParts): RequestHandler {
  return answering(sendError, async (req, res) => {
    const wanted = readEnrollment(req.body)
    const { waiting } = waitingOf(req)
    await limits.mfa({ req, res }, waiting.login.username)
    const enrollment = await mfa.enroll(waiting, wanted)
    const { secret, otpauthUri, recoveryCodes, bindingMethod } = enrollment
    const codes = { recovery_codes: recoveryCodes, binding_method: bindingMethod }
    res.json({ secret, otpauth_uri: otpauthUri, ...codes })
  })
}

/** `POST /mfa/verify`: responds like `POST /login`. */
export function verify(parts: MfaRoutesParts): RequestHandler {
  return answering(parts.sendError, (req, res) => verified(parts, req, res))
}

async function verified(parts: MfaRoutesParts, req: Request, res: Response) {
  const { config, mfa, mfaCookie, limits, answer, hint } = parts
  const proof = readProof(req.body)
  const attempt = { ...waitingOf(req), who: whoAsks(req) }
  const { username } = attempt.waiting.login
  const place = placeOf(req, config, hint)
  const giveBack = await mfa.admit(attempt, () => limits.mfa({ req, res }, username))
  const result = await mfa.verify({ ...attempt, place, proof }).catch((err: unknown) => {
    if (!isJudged(err)) giveBack()
    throw err
  })
  const { login, grant, cookie, id } = result
  limits.loggedIn(req, username)
  if (id !== undefined) {
    res.appendHeader('Set-Cookie', mfaCookie.clear(isSecure(req)))
    setCookie(res, { id, login, cookie })
  }
  const { recoveryCode } = grant
  const json = { ...loginAnswer({ login, grant }, config), ...(recoveryCode && { recovery_code: recoveryCode }) }
  // Not redirected, because the new code is shown only once.
  if (recoveryCode !== undefined) res.json(json)
  else answer(req, res, { json, page: afterLogin(req) })
}

/** Polling for a push, Auth0 or Redis failures, and requests never sent to Auth0 do not count as attempts. */
const NOT_JUDGED: readonly AuthErrorCode[] = ['mfa_pending', 'auth_unavailable', 'session_unavailable']

function isJudged(err: unknown): boolean {
  if (!(err instanceof AuthError)) return true
  return !NOT_JUDGED.includes(err.code) && !(err.code === 'invalid_request' && err.auth0 === undefined)
}
