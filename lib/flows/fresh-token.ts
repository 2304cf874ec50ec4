import { setTimeout as wait } from 'node:timers/promises'
import type { Grant } from '../auth0/token-response.js'
import { AuthError, ConfigurationError, MfaRequiredError, SessionUnavailableError } from '../errors.js'
import type { Hint } from '../events.js'
import type { Config } from '../options/options.js'
import { recordLockWait } from '../telemetry.js'
import type { RefreshLock } from '../session/refresh-lock.js'
import type { SessionVault, VersionedTokens } from '../session/session-vault.js'
import { insufficientScope, lacking } from './insufficient-scope.js'
import type { Outcome, RefreshTokens, TokenOwner } from './refresh-tokens.js'
import type { Revoke } from './revoke-later.js'
import { OUTDATED } from './store-tokens.js'
import { MARGIN, pick, readWanted, type AccessToken, type Wanted } from './token-choice.js'
import type { WhoAsks } from './who-asks.js'

/** Resolves to a valid access token, refreshed if necessary. Rejects with an `AuthError`. */
export type FreshToken = (owner: TokenOwner, wanted: Wanted, who: () => WhoAsks) => Promise<AccessToken>

export interface FreshTokenParts {
  config: Config
  vault: SessionVault
  lock: RefreshLock
  refresh: RefreshTokens
  hint: Hint
  /** Stores a refresh that requires a second factor. Resolves to the error to respond with. */
  needsMfa: (err: MfaRequiredError, owner: TokenOwner, wanted: Wanted) => Promise<AuthError>
}

/** Stores the tokens that a second factor yielded, in place of a refresh. */
export type AdoptGrant = (owner: TokenOwner, adopted: Adopted) => Promise<void>

export interface AdoptGrantParts extends Omit<FreshTokenParts, 'hint' | 'needsMfa'> {
  revoke: Revoke
}

interface Adopted {
  grant: Grant
  wanted: Wanted
  who: WhoAsks
}

interface Request {
  owner: TokenOwner
  wanted: Wanted
  /** Called only if there is something to report. */
  who: () => WhoAsks
  record: VersionedTokens
  granted?: Grant
}

/** Milliseconds between reads of a record that another process is refreshing. */
const PAUSES = [20, 40, 80, 160, 250]

/**
 * Allows one refresh per session at a time, across all processes. Waiting callers watch the version of the record, so
 * that they use the new token instead of refreshing again.
 */
export function createFreshToken(parts: FreshTokenParts): FreshToken {
  const { config, vault, refresh } = parts
  const renewed = createRenewals(parts)

  return async (owner, asked, who) => {
    const wanted = readWanted(asked)
    const record = refresh.held(owner.id) ?? (await vault.tokens(owner.id, owner.tokens))
    // 'sealed': a process with a newer secret wrote them, and the session stays usable there.
    if (!record || record === 'sealed') throw new AuthError('session_expired')
    const good = pick(record, wanted, { config, margin: MARGIN })
    if (good) return good
    if (record.refreshToken === undefined) return lastToken(record, { owner, wanted }, parts)
    try {
      return await renewed({ owner, wanted, who, record })
    } catch (err) {
      // Unless Auth0 refused for good, a token is served until it expires.
      const stillGood = isDefinite(err) ? undefined : pick(record, wanted, { config, margin: 0 })
      if (stillGood) return stillGood
      throw err
    }
  }
}

interface UnderWay {
  /** Audience and scope, as a key. */
  purpose: string
  outcome: Promise<Outcome>
}

/** Allows one renewal per session in this process. Equal requests share it, and others wait. */
function createRenewals(parts: FreshTokenParts): (request: Request) => Promise<AccessToken> {
  const underWay = new Map<string, UnderWay>()

  const start = (request: Request, purpose: string): Promise<Outcome> => {
    const { id } = request.owner
    const outcome = renew(parts, request)
      .catch(async (err: unknown) => {
        throw err instanceof MfaRequiredError ? await parts.needsMfa(err, request.owner, request.wanted) : err
      })
      .finally(() => underWay.delete(id))
    underWay.set(id, { purpose, outcome })
    return outcome
  }

  return async (request) => {
    const { owner, wanted } = request
    const purpose = JSON.stringify([wanted.audience, wanted.scope])
    let { record } = request
    let rounds = 0
    for (;;) {
      const running = underWay.get(owner.id)
      const shared = running === undefined || running.purpose === purpose
      const task = running?.outcome ?? start({ ...request, record }, purpose)
      const outcome: Outcome = await (shared ? task : task.catch(() => ({ record, ours: false })))
      const { record: now, ours, missing = [] } = outcome
      // A token that Auth0 has just issued is used even if it expires soon.
      const fresh = shared && ours
      const found = pick(now, wanted, { config: parts.config, margin: fresh ? 0 : MARGIN })
      if (found) return found
      if (fresh) throw insufficientScope(wanted.scope ?? '', missing)
      // Tokens are stored before the next turn, so a process that cannot see them is reading an outdated replica.
      if (shared && now.version <= record.version && ++rounds === MOST_ROUNDS)
        throw new SessionUnavailableError(OUTDATED)
      record = now
    }
  }
}

/** Rounds without a newer record. A lost lock can explain one. */
const MOST_ROUNDS = 3

/** Auth0 ended the session or refused the request. */
function isDefinite(err: unknown): boolean {
  return err instanceof AuthError && (err.status === 401 || err.status === 403)
}

/** Without a refresh token, an access token is used until it expires. */
function lastToken(
  record: VersionedTokens,
  { owner, wanted }: Pick<Request, 'owner' | 'wanted'>,
  { config, hint }: FreshTokenParts,
): AccessToken {
  const found = pick(record, wanted, { config, margin: 0 })
  if (found) return found
  const { audience, scope = '' } = wanted
  const missing = lacking(owner.login.scope, scope)
  if ((audience ?? config.audience) !== config.audience || missing.length > 0) {
    hint('no refresh token to exchange', NOTHING_TO_EXCHANGE)
    const detail =
      missing.length > 0 ? `${NOTHING_TO_EXCHANGE} (not granted: ${missing.join(', ')})` : NOTHING_TO_EXCHANGE
    throw new AuthError('insufficient_scope', { detail, body: { scope } })
  }
  hint('access token expired', NO_REFRESH_TOKEN)
  throw new AuthError('reauthentication_required', { detail: NO_REFRESH_TOKEN })
}

const NOTHING_TO_EXCHANGE =
  'getAccessToken() was called for another audience or scope, which needs a refresh token: send remember_me or add ' +
  'offline_access to the scope option, and turn on Allow Offline Access under Applications > APIs > your API > Settings'

const NO_REFRESH_TOKEN =
  'the access token has expired and there is no refresh token: send remember_me or add offline_access to the scope ' +
  'option, and turn on Allow Offline Access under Applications > APIs > your API > Settings'

export function createAdoptGrant(parts: AdoptGrantParts): AdoptGrant {
  return async (owner, { grant, wanted, who }) => {
    try {
      const record = await parts.vault.tokens(owner.id)
      if (!record || record === 'sealed') throw new AuthError('session_expired')
      const { ours } = await renew(parts, { owner, wanted, who: () => who, record, granted: grant })
      if (!ours) throw new SessionUnavailableError('the session changed while its tokens were being stored')
    } catch (err) {
      // A ConfigurationError is thrown after the new refresh token has been stored, so that token must stay valid.
      if (!(err instanceof ConfigurationError)) parts.revoke(grant.refreshToken)
      throw err
    }
  }
}

/** Long enough for the lock of a crashed process to expire and for the next process to refresh. */
function patience({ ttl }: RefreshLock, { timeouts }: Config): number {
  return Math.min(MOST_PATIENCE, 2 * ttl + timeouts.auth0 + 2 * timeouts.redis)
}

const MOST_PATIENCE = 20_000

/** Refreshes, or waits for the process that does. */
async function renew(
  { config, vault, lock, refresh }: Omit<FreshTokenParts, 'hint' | 'needsMfa'>,
  request: Request,
): Promise<Outcome> {
  const { owner, record } = request
  const since = performance.now()
  const giveUp = since + patience(lock, config)
  for (let look = 0; performance.now() < giveUp; look++) {
    const held = await lock.acquire(owner.id)
    if (held) {
      recordLockWait(performance.now() - since)
      return refresh.run({ ...request, lock: held })
    }
    await wait((PAUSES[look] ?? 250) * (0.75 + Math.random() / 2))
    const now = await vault.tokens(owner.id)
    if (!now || now === 'sealed') throw new AuthError('session_expired')
    if (!request.granted && now.version !== record.version) return { record: now, ours: false }
  }
  throw new SessionUnavailableError('another process did not finish its refresh in time')
}
