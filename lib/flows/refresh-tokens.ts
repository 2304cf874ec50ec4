import { setTimeout as wait } from 'node:timers/promises'
import type { Auth0Client } from '../auth0/client.js'
import { refreshGrant } from '../auth0/refresh-grant.js'
import { tokenAudiences, type Grant } from '../auth0/token-response.js'
import { AuthError, ConfigurationError, SessionUnavailableError } from '../errors.js'
import type { Report } from '../events.js'
import { traced } from '../telemetry.js'
import type { Config } from '../options/options.js'
import type { Login } from '../session/login.js'
import type { HeldLock } from '../session/refresh-lock.js'
import type { TokenSet, SessionVault, VersionedTokens } from '../session/session-vault.js'
import { lacking } from './insufficient-scope.js'
import { renewedLogin, type News } from './renewed-login.js'
import type { Revoke } from './revoke-later.js'
import { trusted, type TrustParts } from './trusted-claims.js'
import { covers, MARGIN, pick, type Wanted } from './token-choice.js'
import { OUTDATED, type StoreTokens } from './store-tokens.js'
import type { WhoAsks } from './who-asks.js'

/** The session whose tokens are requested. */
export interface TokenOwner {
  id: string
  login: Login
  /** The sealed tokens, if they were read together with the login. */
  tokens?: Buffer | undefined
  /** Deletes the session. */
  end: () => Promise<void>
}

export interface Renewal {
  owner: TokenOwner
  wanted: Wanted
  who: () => WhoAsks
  lock: HeldLock
  /** The grant of a second factor, in place of a refresh. */
  granted?: Grant | undefined
}

export interface Outcome {
  /** The current record. */
  record: VersionedTokens
  /** False if another caller refreshed, perhaps for another audience or scope. */
  ours: boolean
  /** The requested scopes that this refresh did not grant. */
  missing?: string[]
}

export interface RefreshTokens {
  /** Performs one refresh. The caller holds the lock. */
  run(renewal: Renewal): Promise<Outcome>
  /** Tokens that Auth0 has issued and that are not stored yet. */
  held(sessionId: string): VersionedTokens | undefined
  /** Resolves when all refreshes have finished. */
  drain: () => Promise<void>
}

export interface RefreshParts extends TrustParts {
  config: Config
  auth0: Auth0Client
  vault: SessionVault
  storeTokens: StoreTokens
  report: Report
  revoke: Revoke
}

/** Keeps the record from growing without bound. */
const MOST_TOKEN_SETS = 10

export function createRefreshTokens(parts: RefreshParts): RefreshTokens {
  const running = new Set<Promise<unknown>>()
  const releasing = new Set<Promise<unknown>>()
  let closing = false

  return {
    held: parts.storeTokens.held,
    run: async (renewal) => {
      if (closing) {
        await renewal.lock.release()
        throw new SessionUnavailableError('this instance is closing')
      }
      const task = reported(parts, renewal).finally(() => {
        running.delete(task)
        // Held until the new tokens are stored, because other processes would refresh with the spent one.
        const release = parts.storeTokens.settled(renewal.owner.id).then(() => renewal.lock.release())
        releasing.add(release)
        void release.finally(() => releasing.delete(release))
      })
      running.add(task)
      return await task
    },
    drain: async () => {
      closing = true
      await Promise.allSettled(running)
      await parts.storeTokens.drain()
      await Promise.allSettled(releasing)
    },
  }
}

async function reported(parts: RefreshParts, renewal: Renewal): Promise<Outcome> {
  const { config, report } = parts
  const started = config.clock()
  const { sub, handle } = renewal.owner.login
  const facts = () => ({ ...renewal.who(), sub, sessionId: handle, durationMs: config.clock() - started })
  try {
    const outcome = await traced('auth.refresh', () => refresh(parts, renewal))
    if (outcome.ours) report({ name: 'token.refreshed', ...facts() })
    return outcome
  } catch (err) {
    const { code, auth0, detail } = err instanceof AuthError ? err : new AuthError('internal_error')
    report({ name: 'token.refresh_failed', code, ...(auth0 && { auth0 }), detail, ...facts() }, err)
    throw err
  }
}

async function refresh(parts: RefreshParts, { owner, wanted, lock, granted }: Renewal): Promise<Outcome> {
  const { config, vault, auth0, storeTokens } = parts
  // Read again, because another process may have refreshed in the meantime.
  const current = await readSettled(vault, owner.id)
  if (!current || (!granted && current.refreshToken === undefined)) throw new AuthError('session_expired')
  if (!granted && pick(current, wanted, { config, margin: MARGIN })) return { record: current, ours: false }
  // Written first: if Redis refuses writes, the new tokens could not be stored either.
  let grant: Grant
  try {
    if ((await vault.announce(owner.id, current, true)) !== 'done') return await standing(vault, owner.id)
    // Discovery comes first, so that nothing slow happens between checking the lock and sending the request.
    await auth0.configuration()
    // Without the lock, another process may have spent the token already.
    if (!lock.isSure()) return await standing(vault, owner.id)
    grant =
      granted ??
      (await trusted(parts, await refreshGrant(auth0, config, { refreshToken: current.refreshToken ?? '', ...wanted })))
  } catch (err) {
    if ((err as AuthError).code === 'session_expired') return adopt(parts, { owner, current, refusal: err })
    await vault.announce(owner.id, current, false).catch(() => undefined)
    throw err
  }
  await checkSubject(parts, owner, grant)
  const suited = isFor(grant, wanted.audience)
  const fresh = merged(current, { grant, wanted, suited, config })
  const record = await storeTokens.store(owner.id, {
    ...fresh,
    login: renewedLogin(owner.login, { grant, wanted, suited, config }),
  })
  if (!suited) throw new ConfigurationError(NO_POLICY, {})
  const ours = record.version === fresh.version && record.refreshToken === fresh.refreshToken
  return { record, ours, missing: lacking(grant.scope, wanted.scope ?? '') }
}

/** Milliseconds between reads, and in total. A live process writes its tokens well within that time. */
const LOOK_PAUSE = 100
const PATIENCE = 1000

/** The record, after waiting for a process that announced a refresh and lost its lock to write its tokens. */
async function readSettled(vault: SessionVault, sessionId: string): Promise<VersionedTokens | undefined> {
  let record = await opened(vault, sessionId)
  const patience = performance.now() + PATIENCE
  while (record?.announced && performance.now() < patience) {
    await wait(LOOK_PAUSE)
    record = await opened(vault, sessionId)
  }
  return record
}

/** Undefined if there are none, or if this process cannot open them. */
async function opened(vault: SessionVault, sessionId: string): Promise<VersionedTokens | undefined> {
  const record = await vault.tokens(sessionId)
  return record === 'sealed' ? undefined : record
}

async function standing(vault: SessionVault, sessionId: string): Promise<Outcome> {
  const record = await opened(vault, sessionId)
  if (!record) throw new AuthError('session_expired')
  return { record, ours: false }
}

const NO_POLICY =
  'Auth0 issued a token for a different audience than the requested one: allow that audience under Applications > your ' +
  'application > Settings > Multi-Resource Refresh Token'

interface Refused {
  owner: TokenOwner
  current: VersionedTokens
  refusal: unknown
}

/** Ends the session only if the refused token is still the stored one. Otherwise, another process has refreshed. */
async function adopt({ vault, revoke }: RefreshParts, { owner, current, refusal }: Refused): Promise<Outcome> {
  for (let looks = 0; ; looks++) {
    const now = await opened(vault, owner.id)
    if (now && now.refreshToken !== current.refreshToken) return { record: now, ours: false }
    // On a conflict, another process has just written.
    if (!now || (await vault.discard(owner.id, now.version)) !== 'conflict') break
    if (looks === 5) throw new SessionUnavailableError(OUTDATED)
  }
  // Revoked too, because a refused token works again once a blocked user is unblocked.
  revoke(current.refreshToken)
  await owner.end()
  throw refusal
}

/** Ends the session if Auth0 returned the tokens of another user. */
async function checkSubject(
  { revoke }: RefreshParts,
  owner: TokenOwner,
  { claims, refreshToken }: Grant,
): Promise<void> {
  if (!claims || claims.sub === owner.login.sub) return
  revoke(refreshToken)
  await owner.end()
  throw new AuthError('session_expired', { detail: 'the refreshed ID token is for another user' })
}

/** Auth0 silently ignores an audience that no policy allows, so this reads the token. */
function isFor({ accessToken }: Grant, audience: string | undefined): boolean {
  const audiences = tokenAudiences(accessToken)
  // An opaque token has no audience to check.
  return audience === undefined || audiences.length === 0 || audiences.includes(audience)
}

/** Adds the new token to those that are still valid, and keeps the refresh token unless it was rotated. */
function merged({ version, refreshToken, tokenSets }: VersionedTokens, news: News): VersionedTokens {
  const { grant, config } = news
  const fresh = freshSet(news)
  const now = config.clock() / 1000
  const others = tokenSets.filter((set) => set.expiresAt > now && !isReplaced(set, fresh))
  return {
    version: version + 1,
    refreshToken: grant.refreshToken ?? refreshToken,
    tokenSets: [...(fresh ? [fresh] : []), ...others].slice(0, MOST_TOKEN_SETS),
  }
}

/** Undefined if the token lacks the requested audience or scope. */
function freshSet({ grant, wanted, suited, config }: News): TokenSet | undefined {
  const { accessToken, tokenType, scope, expiresAt } = grant
  if (!suited || !covers(scope, wanted.scope ?? '')) return undefined
  const narrowed = wanted.scope !== undefined && { narrowed: true }
  return { accessToken, tokenType, audience: grant.audience ?? config.audience, scope, expiresAt, ...narrowed }
}

function isReplaced(old: TokenSet, fresh: TokenSet | undefined): boolean {
  if (!fresh || old.audience !== fresh.audience || Boolean(old.narrowed) !== Boolean(fresh.narrowed)) return false
  return !fresh.narrowed || covers(fresh.scope, old.scope)
}
