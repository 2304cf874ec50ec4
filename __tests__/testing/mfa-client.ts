import type { Auth0Emulator } from '../../lib/testing/emulator.js'
import { logIn, post, replyOf, type Reply } from './tenant-client.js'

export const MFA_OTP = 'http://auth0.com/oauth/grant-type/mfa-otp'
export const MFA_OOB = 'http://auth0.com/oauth/grant-type/mfa-oob'
export const MFA_RECOVERY_CODE = 'http://auth0.com/oauth/grant-type/mfa-recovery-code'

/** Logs Ada in up to the second factor. */
export async function mfaTokenOf(emulator: Auth0Emulator, fields = {}): Promise<string> {
  const { body } = await logIn(emulator, fields)
  return String(body.mfa_token)
}

export async function authenticators(emulator: Auth0Emulator, mfaToken: string): Promise<Reply> {
  return replyOf(await fetch(`${emulator.domain}/mfa/authenticators`, { headers: bearer(mfaToken) }))
}

export function associate(emulator: Auth0Emulator, mfaToken: string, body: object): Promise<Reply> {
  return postJson(`${emulator.domain}/mfa/associate`, body, bearer(mfaToken))
}

/** Sends a request as the emulator's client. */
export function challenge(emulator: Auth0Emulator, mfaToken: string | undefined, body: object = {}): Promise<Reply> {
  const { clientId: client_id, clientSecret: client_secret } = emulator
  const all = { client_id, client_secret, mfa_token: mfaToken, ...body }
  return postJson(`${emulator.domain}/mfa/challenge`, all, {})
}

export function exchange(
  emulator: Auth0Emulator,
  grant_type: string,
  fields: Record<string, string | undefined>,
): Promise<Reply> {
  return post(emulator, '/oauth/token', { grant_type, ...fields })
}

async function postJson(url: string, body: object, headers: object): Promise<Reply> {
  const sent = {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  }
  return replyOf(await fetch(url, sent))
}

function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` }
}
