import { passwordGrant } from '../../auth0/password-grant.js'
import { revokeRefreshToken } from '../../auth0/revocation.js'
import { splitScope, tokenAudiences, type Grant } from '../../auth0/token-response.js'
import type { GrantParts } from '../../auth0/verified-grant.js'
import { AuthError } from '../../errors.js'
import type { Env } from '../../options/environment.js'
import { fault, ok, skipped, TENANT, type Finding } from './finding.js'

const OFFLINE = 'offline_access'

const WHAT_FOR = 'to check the ID token, the scopes, and the refresh token with a real login of a test user'

/** Logs in the user from the environment and revokes the refresh token. */
export async function checkLogin(parts: GrantParts, env: Env): Promise<Finding[]> {
  const { DOCTOR_USERNAME: username, DOCTOR_PASSWORD: password } = env
  if (!username || !password)
    return [skipped(TENANT.login, notSet({ DOCTOR_USERNAME: username, DOCTOR_PASSWORD: password }))]
  const scope = [...new Set([...splitScope(parts.config.scope), OFFLINE])].join(' ')
  try {
    const grant = await passwordGrant(parts, { username, password, scope })
    if (grant.refreshToken !== undefined)
      await revokeRefreshToken(parts.client, grant.refreshToken).catch(() => undefined)
    return [ok(TENANT.login, 'works, and the ID token is valid'), ...readGrant(parts, grant)]
  } catch (err) {
    if (!(err instanceof AuthError)) throw err
    return [readRefusal(err)]
  }
}

function notSet(variables: Record<string, string | undefined>): string {
  const missing = Object.keys(variables).filter((name) => !variables[name])
  return `not checked: set ${missing.join(' and ')} ${WHAT_FOR}`
}

function readGrant({ config }: GrantParts, grant: Grant): Finding[] {
  const audience = config.audience === undefined ? [] : [audienceOf(grant, config.audience)]
  return [...audience, scopeOf(grant, config.scope), offlineOf(grant)]
}

function audienceOf({ accessToken }: Grant, audience: string): Finding {
  const subject = { ...TENANT.audience, check: 'access token' }
  if (tokenAudiences(accessToken).includes(audience)) return ok(subject, 'is for the audience')
  return fault(subject, `is not for ${audience}: check that the audience option is the identifier of your API`)
}

function scopeOf({ scope }: Grant, requested: string): Finding {
  const granted = splitScope(scope)
  const missing = splitScope(requested).filter((name) => name !== OFFLINE && !granted.includes(name))
  if (missing.length === 0) return ok(TENANT.scope, 'all scopes are granted')
  return fault(
    TENANT.scope,
    `Auth0 does not grant ${missing.join(', ')}: add this to the API, and with RBAC to a role of the user, or remove it from ` +
      'the scope option',
  )
}

function offlineOf({ refreshToken }: Grant): Finding {
  if (refreshToken !== undefined) return ok(TENANT.offline, 'Auth0 issues a refresh token')
  return fault(
    TENANT.offline,
    'Auth0 issues no refresh token for offline_access, so remember_me logins end with the access token: turn on Allow Offline ' +
      'Access for the API, and the Refresh Token grant for the application',
  )
}

function readRefusal(refusal: AuthError): Finding {
  if (refusal.code === 'mfa_required') {
    return ok(
      TENANT.login,
      'the password is correct, but Auth0 requires a second factor: to check the rest, use an account without one',
    )
  }
  if (refusal.code === 'invalid_credentials') {
    return fault(
      TENANT.login,
      'Auth0 refuses this username and password: correct DOCTOR_USERNAME and DOCTOR_PASSWORD (each run counts as a failed login)',
    )
  }
  return fault(TENANT.login, refusal.detail)
}
