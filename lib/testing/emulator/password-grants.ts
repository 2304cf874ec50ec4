import { requiredParam, textParam } from './body.js'
import type { Call } from './endpoints.js'
import { GRANT_TYPES } from './grant-types.js'
import { mfaRequired } from './mfa-required.js'
import { refusal, refusalSaying } from './refusal.js'
import { grantScope, readScope } from './scopes.js'
import type { BrowserLogin } from './refresh-families.js'
import type { EmulatorApi, StoredUser } from './types.js'
import { checkUser } from './user-checks.js'
import type { World } from './world.js'

type TokenAnswer = Record<string, unknown>

/** `grant_type=password`: ignores `realm` and uses the Default Directory. */
export async function passwordGrant(world: World, call: Call): Promise<TokenAnswer> {
  const connection = world.tenant.defaultConnection
  if (connection === null) throw refusal('noDefaultDirectory')
  return logIn(world, call, connection)
}

export async function passwordRealmGrant(world: World, call: Call): Promise<TokenAnswer> {
  const realm = requiredParam(call.params, 'realm')
  if (!world.tenant.connections.includes(realm)) {
    throw refusalSaying(400, 'invalid_request', `Unknown realm ${realm}.`)
  }
  return logIn(world, call, realm)
}

/** In Auth0's order: parameters and audience, attack protection, password, account state, Actions, MFA. */
async function logIn(world: World, call: Call, connection: string): Promise<TokenAnswer> {
  const request = readRequest(world, call)
  const user = authenticate(world, { ...request, connection, address: call.record.clientIp })
  checkUser(user, request.password)
  if (user.mfa) throw mfaRequired(world, user, (verified) => grantTokens(world, verified, request))
  return grantTokens(world, user, request)
}

interface LoginRequest {
  username: string
  password: string
  requested: string[]
  api: EmulatorApi | undefined
}

function readRequest(world: World, call: Call): LoginRequest {
  const username = requiredParam(call.params, 'username')
  const password = requiredParam(call.params, 'password')
  const requested = readScope(call.params.scope)
  return { username, password, requested, api: findApi(world, call) }
}

export function findApi({ tenant, issuer }: World, { params }: Pick<Call, 'params'>): EmulatorApi | undefined {
  const audience = textParam(params, 'audience') ?? textParam(params, 'resource') ?? tenant.defaultAudience
  if (audience === undefined || audience === `${issuer}userinfo`) return undefined
  const api = tenant.apis.find((known) => known.audience === audience)
  if (!api) throw refusalSaying(403, 'access_denied', `Service not found: ${audience}`)
  return api
}

interface Attempt extends Pick<LoginRequest, 'username' | 'password'> {
  connection: string
  address: string
  /** In browser logins, a bot detection challenge does not end the login. */
  canShowCaptcha?: boolean
}

/** Returns the user if the password is correct. */
export function authenticate({ users, attacks }: World, given: Attempt): StoredUser {
  const { connection, username, password, address, canShowCaptcha = false } = given
  const user = users.findAccount(connection, username)
  const attempt = { account: username, address }
  attacks.check(attempt, user && canShowCaptcha ? { ...user, requiresVerification: false } : user)
  if (user?.password !== password) {
    attacks.failed(attempt)
    throw refusal('wrongPassword')
  }
  attacks.succeeded(attempt)
  return user
}

interface GrantRequest extends Pick<LoginRequest, 'requested' | 'api'> {
  browserLogin?: BrowserLogin
  nonce?: string | undefined
}

/** Response to a completed login. */
export async function grantTokens(world: World, user: StoredUser, request: GrantRequest): Promise<TokenAnswer> {
  const { requested, api, browserLogin, nonce } = request
  const mayRefresh = world.tenant.grantTypes.includes(GRANT_TYPES.refreshToken)
  const scope = grantScope(requested, { api, mayRefresh })
  // A bare `openid` is answered with all standard scopes, but adds only the `sub` claim.
  const claimScope = requested.length > 0 ? requested : scope
  const grant = { sub: user.sub, audience: api?.audience, scope, claimScope, ...(browserLogin && { browserLogin }) }
  const refresh = scope.includes('offline_access') ? { refresh_token: world.families.found(grant) } : {}
  const gty = browserLogin ? undefined : 'password'
  const loginClaims = { ...browserLogin, ...(nonce !== undefined && { nonce }) }
  const tokens = await world.minter.mint({ user, ...grant, gty, loginClaims })
  return { ...tokens, ...refresh, ...scopeMember(requested, scope) }
}

/** Sent only if it differs from the requested scope, and never empty. */
function scopeMember(requested: string[], granted: string[]): { scope?: string } {
  const isSame = requested.length === granted.length && requested.every((name) => granted.includes(name))
  return isSame || granted.length === 0 ? {} : { scope: granted.join(' ') }
}
