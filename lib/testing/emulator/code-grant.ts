import { createHash } from 'node:crypto'
import { requiredParam, textParam } from './body.js'
import type { PkceChallenge } from './browser-logins.js'
import type { Call } from './endpoints.js'
import { grantTokens } from './password-grants.js'
import { refusal, refusalSaying } from './refusal.js'
import type { World } from './world.js'

/** `grant_type=authorization_code`: a code is single-use, even if the exchange is then refused. */
export async function codeGrant(world: World, { params }: Call): Promise<Record<string, unknown>> {
  const issued = world.browser.codes.take(requiredParam(params, 'code'))
  if (!issued) throw refusal('invalidCode')
  const { request, session } = issued
  checkRedirectUri(textParam(params, 'redirect_uri'), request.redirectUri)
  if (!isProved(request.challenge, textParam(params, 'code_verifier'))) throw refusal('wrongCodeVerifier')
  const user = world.users.findBySub(session.sub)
  if (!user) throw refusal('invalidCode')
  const { sid, authenticatedAt } = session
  const browserLogin = { sid, auth_time: Math.floor(authenticatedAt / 1000) }
  return grantTokens(world, user, { ...request, browserLogin })
}

function checkRedirectUri(sent: string | undefined, expected: string): void {
  if (sent === expected) return
  const description = `The redirect URI is wrong. You sent ${sent ?? 'null'}, and we expected ${expected}`
  throw refusalSaying(403, 'unauthorized_client', description)
}

/** Also refuses a verifier without a challenge, because an attacker may have removed the challenge. */
function isProved(challenge: PkceChallenge | undefined, verifier: string | undefined): boolean {
  if (!challenge || verifier === undefined) return !challenge && verifier === undefined
  const { method, value } = challenge
  return value === (method === 'plain' ? verifier : createHash('sha256').update(verifier).digest('base64url'))
}
