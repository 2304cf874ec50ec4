import { createHash } from 'node:crypto'
import type { AccessToken } from 'express-auth0-ropg'
import { Router } from 'express'
import { createRemoteJWKSet, jwtVerify } from 'jose'

export const AUDIENCE = 'https://api.example.com'

/** A third-party API that accepts only access tokens. */
export function ordersApi(domain: string): Router {
  const keys = createRemoteJWKSet(new URL(`${domain}/.well-known/jwks.json`))
  return Router().get('/orders', async (req, res) => {
    try {
      await jwtVerify(req.get('authorization')?.slice('Bearer '.length) ?? '', keys, {
        ...{ issuer: `${domain}/`, audience: AUDIENCE, clockTolerance: '1 day' },
      })
      res.json({ orders: ['Analytical engine', 'Punched cards'] })
    } catch {
      res.sendStatus(401)
    }
  })
}

/** Calls the API and describes the result. */
export async function loadOrders(baseUrl: string, { accessToken, expiresAt }: AccessToken): Promise<string> {
  const answer = await fetch(`${baseUrl}/upstream/orders`, { headers: { Authorization: `Bearer ${accessToken}` } })
  if (!answer.ok) return `The API answered ${answer.status}.`
  const { orders } = (await answer.json()) as { orders: string[] }
  // The fingerprint shows whether the token changed without revealing it.
  const mark = createHash('sha256').update(accessToken).digest('hex').slice(0, 6)
  const until = new Date(expiresAt * 1000).toISOString().slice(11, 19)
  return `${orders.join(', ')}. Access token no. ${mark} was used, which expires at ${until} UTC.`
}
