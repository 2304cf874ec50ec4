import { textParam } from './body.js'
import type { Call } from './endpoints.js'
import type { Grant } from './refresh-families.js'
import { missingParameter, refusal } from './refusal.js'
import { isOpenIdScope, readScope } from './scopes.js'
import type { StoredUser } from './types.js'
import { checkActions } from './user-checks.js'
import type { World } from './world.js'

/** `grant_type=refresh_token`: rotates before anything is awaited, so that of two at once one is a reuse. */
export async function refreshGrant(world: World, { params }: Call): Promise<Record<string, unknown>> {
  const value = textParam(params, 'refresh_token')
  if (value === undefined) throw missingParameter('refresh_token')
  const requested = readScope(params.scope)
  const grant = world.families.redeem(value)
  if (!grant) throw refusal('unknownRefreshToken')
  const user = userOf(world, grant)
  const target = chooseTarget(world, grant, textParam(params, 'audience'))
  const rotated = world.families.rotate(value)
  const scope = requested.length > 0 ? target.scope.filter((name) => requested.includes(name)) : target.scope
  const { claimScope, browserLogin } = grant
  const gty = browserLogin ? 'refresh_token' : ['refresh_token', 'password']
  const tokens = await world.minter.mint({ user, ...target, scope, claimScope, gty, loginClaims: browserLogin })
  return { ...tokens, scope: scope.join(' '), ...(rotated === undefined ? {} : { refresh_token: rotated }) }
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

/** An audience that no policy names is passed over in silence: the original one it is. */
function chooseTarget({ tenant }: World, grant: Grant, wanted = grant.audience): Target {
  const policy = tenant.refreshPolicies.find(({ audience }) => audience === wanted)
  if (!policy) return { audience: grant.audience, scope: grant.scope }
  const kept = policy.audience === grant.audience ? grant.scope : grant.scope.filter(outlivesAudience)
  return { audience: policy.audience, scope: [...new Set([...kept, ...policy.scope])] }
}

function outlivesAudience(name: string): boolean {
  return isOpenIdScope(name) || name === 'offline_access'
}
