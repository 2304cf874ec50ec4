import { passwordGrant } from '../../auth0/password-grant.js'
import { revokeRefreshToken } from '../../auth0/revocation.js'
import { splitScope, tokenAudiences, type Grant } from '../../auth0/token-response.js'
import type { GrantParts } from '../../auth0/verified-grant.js'
import { AuthError } from '../../errors.js'
import type { Env } from '../../options/environment.js'
import { fault, ok, skipped, TENANT, type Finding } from './finding.js'

const OFFLINE = 'offline_access'

const NO_USER =
  'not checked: set both for a real login, which also checks the ID token, the scopes and the refresh token'

/** One real login as the user that the environment names. Its refresh token is revoked. */
export async function checkLogin(parts: GrantParts, env: Env): Promise<Finding[]> {
  const { DOCTOR_USERNAME: username, DOCTOR_PASSWORD: password } = env
  if (!username || !password) return [skipped(TENANT.login, NO_USER)]
  const scope = [...new Set([...splitScope(parts.config.scope), OFFLINE])].join(' ')
  try {
    const grant = await passwordGrant(parts, { username, password, scope })
    if (grant.refreshToken !== undefined)
      await revokeRefreshToken(parts.client, grant.refreshToken).catch(() => undefined)
    return [ok(TENANT.login, 'works, and the ID token verifies'), ...readGrant(parts, grant)]
  } catch (err) {
    if (!(err instanceof AuthError)) throw err
    return [readRefusal(err)]
  }
}

function readGrant({ config }: GrantParts, grant: Grant): Finding[] {
  const audience = config.audience === undefined ? [] : [audienceOf(grant, config.audience)]
  return [...audience, scopeOf(grant, config.scope), offlineOf(grant)]
}

function audienceOf({ accessToken }: Grant, audience: string): Finding {
  const subject = { ...TENANT.audience, check: 'access token' }
  if (tokenAudiences(accessToken).includes(audience)) return ok(subject, 'is for the audience')
  return fault(subject, 'is not for the audience: check the option audience')
}

function scopeOf({ scope }: Grant, requested: string): Finding {
  const granted = splitScope(scope)
  const missing = splitScope(requested).filter((name) => name !== OFFLINE && !granted.includes(name))
  if (missing.length === 0) return ok(TENANT.scope, 'all scopes are granted')
  return fault(
    TENANT.scope,
    `Auth0 does not grant ${missing.join(', ')}: add them to the API, or take them out of the option`,
  )
}

function offlineOf({ refreshToken }: Grant): Finding {
  if (refreshToken !== undefined) return ok(TENANT.offline, 'Auth0 issues a refresh token')
  return fault(
    TENANT.offline,
    'Auth0 issues no refresh token for offline_access, so that remember_me ends with the access token: turn on both settings',
  )
}

function readRefusal(refusal: AuthError): Finding {
  if (refusal.code === 'mfa_required') {
    return ok(
      TENANT.login,
      'the password is right and Auth0 asks for a second factor; the rest needs a user without one',
    )
  }
  if (refusal.code === 'invalid_credentials') {
    return fault(
      TENANT.login,
      'Auth0 refuses this user: check both (each run with a wrong password counts as a failed login)',
    )
  }
  return fault(TENANT.login, refusal.detail)
}
