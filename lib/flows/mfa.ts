import {
  challengeMfa,
  enrollMfa,
  listAuthenticators,
  type MfaAuthenticator,
  type MfaChallenge,
  type MfaChallengeArguments,
  type MfaEnrollArguments,
  type MfaEnrollment,
  type MfaParts,
} from '../auth0/mfa.js'
import { verifyMfa, type MfaGrant, type MfaProof } from '../auth0/verify-mfa.js'
import { AuthError, type AuthErrorCode, type MfaRequiredError } from '../errors.js'
import type { Hint, Report } from '../events.js'
import type { Config } from '../options/options.js'
import type { MfaLogin, MfaLogins } from '../pending/mfa-logins.js'
import type { Place } from '../session/establish.js'
import type { Login } from '../session/login.js'
import type { Seal } from '../session/seal.js'
import { beginForSession, beginLogin, type Asked } from './begin-mfa.js'
import type { AdoptGrant } from './fresh-token.js'
import type { OpenSession } from './open-session.js'
import type { Revoke } from './revoke-later.js'
import type { TokenOwner } from './refresh-tokens.js'
import type { Wanted } from './token-choice.js'
import { nameOf } from './user-name.js'
import type { WhoAsks } from './who-asks.js'

export interface MfaFlowParts {
  config: Config
  password: MfaParts
  logins: MfaLogins
  newId: () => string
  seal: Seal
  openSession: OpenSession
  adoptGrant: AdoptGrant
  revoke: Revoke
  report: Report
  hint: Hint
}

/** A login or refresh that is waiting for its second factor. */
export interface Waiting {
  id: string
  login: MfaLogin
}

/** The proof that a request contains. `{}` polls for the response to a push notification. */
export type Proof = { otp: string } | { bindingCode: string } | { recoveryCode: string } | Record<string, never>

/** A new or continued session after the second factor. */
export interface Verified {
  login: Login
  grant: MfaGrant
  /** `Set-Cookie` of a new session. */
  cookie: string | undefined
  /** Undefined if an existing session continues. */
  id: string | undefined
}

export interface Attempt {
  waiting: Waiting
  who: WhoAsks
}

export interface VerifyRequest extends Attempt {
  place: Place
  proof: Proof
  /** The session of the request, if it has one. */
  owner: TokenOwner | undefined
}

export type MfaFlow = ReturnType<typeof createMfaFlow>

/** The second factor of a login or a refresh. The `mfa_token` stays on the server. */
export function createMfaFlow(parts: MfaFlowParts) {
  const { logins, password } = parts
  const step = async <Result>(waiting: Waiting, call: () => Promise<Result>) => {
    try {
      return await call()
    } catch (err) {
      if (isOver(err)) await logins.close(waiting.id).catch(() => undefined)
      throw err
    }
  }

  return {
    /** Stores the login for the routes of `mfa: 'api'`. Resolves to the error to respond with. */
    begin: (err: MfaRequiredError, asked: Asked) => beginLogin(parts, err, asked),
    /** Like `begin`, for the refresh of a session. */
    beginForSession: (err: MfaRequiredError, owner: TokenOwner, wanted: Wanted) =>
      beginForSession(parts, err, { owner, wanted }),
    /** The first of these ids that has a pending login. */
    find: (ids: readonly string[]) => find(logins, ids),
    /** The pending refresh of a session, which `find` never returns. */
    findForSession: async (id: string): Promise<Waiting | undefined> => {
      const login = await logins.find(id)
      return login && { id, login }
    },
    list: (waiting: Waiting): Promise<MfaAuthenticator[]> =>
      step(waiting, () => listAuthenticators(password, waiting.login.mfaToken)),
    challenge: (waiting: Waiting, wanted: Omit<MfaChallengeArguments, 'mfaToken'>): Promise<MfaChallenge> =>
      step(waiting, async () => {
        const challenge = await challengeMfa(password, { ...wanted, mfaToken: waiting.login.mfaToken })
        await keep(parts, waiting, challenge)
        return challenge
      }),
    enroll: (waiting: Waiting, wanted: Omit<MfaEnrollArguments, 'mfaToken'>): Promise<MfaEnrollment> =>
      step(waiting, async () => {
        const enrollment = await enrollMfa(password, { ...wanted, mfaToken: waiting.login.mfaToken })
        await keep(parts, waiting, enrollment)
        return enrollment
      }),
    /** Counts an attempt to verify, and reports one that exceeds the limit. */
    admit: <Counted>(attempt: Attempt, count: () => Promise<Counted>) => admit(parts, attempt, count),
    verify: (request: VerifyRequest) => verify(parts, request),
  }
}

async function find(logins: MfaLogins, ids: readonly string[]): Promise<Waiting | undefined> {
  for (const id of ids) {
    const login = await logins.find(id)
    if (login && login.sessionId === undefined) return { id, login }
  }
  return undefined
}

/** After these errors, no further attempt can succeed. */
const OVER: readonly AuthErrorCode[] = ['mfa_expired', 'mfa_denied', 'account_blocked', 'access_denied']

function isOver(err: unknown): boolean {
  return err instanceof AuthError && OVER.includes(err.code)
}

async function keep(
  { logins }: MfaFlowParts,
  { id, login }: Waiting,
  { oobCode, bindingMethod }: Partial<MfaChallenge>,
) {
  await logins.update(id, { ...login, oobCode, prompts: bindingMethod === 'prompt' })
}

function admit<Counted>(parts: MfaFlowParts, attempt: Attempt, count: () => Promise<Counted>): Promise<Counted> {
  const facts = factsOf(parts, attempt)
  return count().catch((err: unknown) => {
    reportFailure(parts, facts, err)
    throw err
  })
}

async function verify(parts: MfaFlowParts, request: VerifyRequest): Promise<Verified> {
  const { report, logins } = parts
  const { waiting } = request
  const facts = factsOf(parts, request)
  const proof = proofOf(request)
  if (!(await logins.attempt(waiting.id))) throw new AuthError('mfa_expired', { detail: 'no attempts are left' })
  try {
    const verified = await finish(parts, request, proof)
    const { sub, handle } = verified.login
    report({ name: 'mfa.succeeded', sub, sessionId: handle, ...facts() })
    if (verified.id !== undefined) report({ name: 'login.succeeded', sub, sessionId: handle, ...facts() })
    return verified
  } catch (err) {
    await settle(parts, waiting, reportFailure(parts, facts, err)).catch(() => undefined)
    throw err
  }
}

/** What the events of an attempt that begins now have in common. */
function factsOf(parts: MfaFlowParts, { waiting, who }: Attempt) {
  const started = parts.config.clock()
  return (failed = false) => ({
    ...{ ...who, ...nameOf(waiting.login, parts, failed) },
    durationMs: parts.config.clock() - started,
  })
}

function reportFailure({ report }: MfaFlowParts, facts: ReturnType<typeof factsOf>, err: unknown): AuthErrorCode {
  const { code, auth0, detail } = err instanceof AuthError ? err : new AuthError('internal_error')
  if (code !== 'mfa_pending') report({ name: 'mfa.failed', code, ...(auth0 && { auth0 }), detail, ...facts(true) }, err)
  return code
}

/** Checks that a code or push was preceded by its challenge. */
function proofOf({ proof, waiting }: VerifyRequest): MfaProof {
  if ('otp' in proof || 'recoveryCode' in proof) return proof as MfaProof
  const { oobCode, prompts } = waiting.login
  if (oobCode === undefined) throw invalid('body', 'call /mfa/challenge first, or send otp or recovery_code')
  if (!('bindingCode' in proof)) {
    if (prompts) throw invalid('binding_code', 'is required')
    return { oobCode }
  }
  return { oobCode, bindingCode: proof.bindingCode }
}

function invalid(field: string, reason: string): AuthError {
  return new AuthError('invalid_request', { body: { fields: { [field]: reason } } })
}

/** Counts wrong codes only, and closes a login that can no longer succeed. */
async function settle({ logins }: MfaFlowParts, { id }: Waiting, code: AuthErrorCode): Promise<void> {
  const isWrong = code === 'invalid_mfa_code'
  if (OVER.includes(code) || (isWrong && (await logins.isSpent(id)))) await logins.close(id)
  else if (!isWrong) await logins.giveBack(id)
}

async function finish(parts: MfaFlowParts, { place, waiting, who, owner }: VerifyRequest, proof: MfaProof) {
  const { id, login } = waiting
  const { scope, audience, remember } = login
  const grant = await verifyMfa(parts.password, {
    ...proof,
    ...{ mfaToken: login.mfaToken, scope, audience },
    ...(who.ip !== undefined && { auth0ForwardedFor: who.ip }),
  })
  const spent = await parts.logins.end(id).catch(() => true)
  if (!spent) {
    parts.revoke(grant.refreshToken)
    throw new AuthError('mfa_expired', { detail: 'this login was finished by another request' })
  }
  if (login.sessionId !== undefined) return resume(parts, { grant, waiting, owner, who })
  const now = { since: login.since, began: login.since }
  const signedIn = await parts.openSession(place, { grant, wanted: scope, remember, who, ...now })
  return { ...signedIn, grant }
}

interface Resumed extends Pick<VerifyRequest, 'waiting' | 'owner' | 'who'> {
  grant: MfaGrant
}

/** Continues a session whose refresh required a second factor. */
async function resume(parts: MfaFlowParts, { grant, waiting, owner, who }: Resumed): Promise<Verified> {
  if (owner?.id !== waiting.login.sessionId || !owner) {
    parts.revoke(grant.refreshToken)
    throw new AuthError('session_expired')
  }
  const { wanted = {} } = waiting.login
  await parts.adoptGrant(owner, { grant, wanted, who })
  return { login: owner.login, grant, cookie: undefined, id: undefined }
}
