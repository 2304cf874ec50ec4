import { emailOf, PASSWORD, type TokenResponse } from '../processes/tokens.ts'
import type { World } from './world.ts'

/** The tokens as Auth0 issues them to this user. */
export async function tokensOf({ tenants }: World, user: number): Promise<TokenResponse> {
  const body = new URLSearchParams({ grant_type: 'password', username: emailOf(user), password: PASSWORD })
  const response = await fetch(`${tenants.issuer}oauth/token`, { method: 'POST', body })
  return (await response.json()) as TokenResponse
}

/** Total bytes of the three tokens. */
export function lengthOf({ access_token: access, id_token: id, refresh_token: refresh }: TokenResponse): number {
  return access.length + id.length + refresh.length
}
