import { requiredParam, textParam } from './body.js'
import type { Call } from './endpoints.js'
import { mfaRequired } from './mfa-required.js'
import type { Grant } from './refresh-families.js'
import { refusal } from './refusal.js'
import { isOpenIdScope, readScope } from './scopes.js'
import type { StoredUser } from './types.js'
import { checkActions } from './user-checks.js'
import type { World } from './world.js'

/** `grant_type=refresh_token`: rotates before anything is awaited, so that of two at once one is a reuse. */
export async function refreshGrant(world: World, { params }: Call): Promise<Record<string, unknown>> {
  const value = requiredParam(params, 'refresh_token')
  const request = { value, requested: readScope(params.scope), audience: textParam(params, 'audience') }
  const grant = redeem(world, value)
  const user = userOf(world, grant)
  if (user.mfaOnRefresh) throw mfaRequired(world, user, () => exchange(world, request, redeem(world, value)))
  return exchange(world, request, grant)
}

interface RefreshRequest {
  value: string
  requested: string[]
  audience: string | undefined
}

async function exchange(world: World, { value, requested, audience }: RefreshRequest, grant: Grant) {
  const user = userOf(world, grant)
  const target = chooseTarget(world, grant, audience)
  const rotated = world.families.rotate(value)
  const narrowed = (names: string[]) =>
    requested.length > 0 ? names.filter((name) => requested.includes(name)) : names
  const [scope, claimScope] = [narrowed(target.scope), narrowed(grant.claimScope)]
  const { browserLogin } = grant
  const gty = browserLogin ? 'refresh_token' : ['refresh_token', 'password']
  const tokens = await world.minter.mint({ user, ...target, scope, claimScope, gty, loginClaims: browserLogin })
  return { ...tokens, scope: scope.join(' '), ...(rotated === undefined ? {} : { refresh_token: rotated }) }
}

function redeem({ families }: World, value: string): Grant {
  const grant = families.redeem(value)
  if (!grant) throw refusal('unknownRefreshToken')
  return grant
}

function userOf({ users }: World, { sub }: Grant): StoredUser {
  const user = users.findBySub(sub)
  if (!user) throw refusal('userGone')
  if (user.blocked) throw refusal('blockedOnRefresh')
  checkActions(user)
  return user
}

interface Target {
  audience: string | undefined
  scope: string[]
}

/** Auth0 silently falls back to the original audience if no policy covers the requested one. */
function chooseTarget({ tenant }: World, grant: Grant, wanted = grant.audience): Target {
  const policy = tenant.refreshPolicies.find(({ audience }) => audience === wanted)
  if (!policy) return { audience: grant.audience, scope: grant.scope }
  const kept = policy.audience === grant.audience ? grant.scope : grant.scope.filter(outlivesAudience)
  return { audience: policy.audience, scope: [...new Set([...kept, ...policy.scope])] }
}

function outlivesAudience(name: string): boolean {
  return isOpenIdScope(name) || name === 'offline_access'
}
