/** Types of the user's claims. consumers/alone/declared-claims.mts shows how an app declares more. */
import express from 'express'
import type { LoginData, RequestAuth, UserClaims } from 'express-auth0-ropg'
import { auth, takes } from './auth.ts'

const app = express()

app.get('/me', auth.requireAuth, (req) => {
  const { user, data } = req.auth
  takes.text(user.sub)
  takes.text(user.name ?? user.nickname ?? user.email ?? '')
  const isVerified: boolean | undefined = user.email_verified
  const unknownClaim: unknown = user.shoe_size
  // @ts-expect-error -- claims that nobody declared are unknown
  takes.text(user.shoe_size)
  // @ts-expect-error -- may be missing
  takes.text(user.email)
  // @ts-expect-error -- not declared
  takes.text(data.tenantId)
  // @ts-expect-error -- claims are read only
  user.name = 'Ada'
  return { isVerified, unknownClaim }
})

// Test fixtures.
export const claims: UserClaims = { sub: 'auth0|1', email: 'ada@example.com', shoe_size: 42 }
export const data: LoginData = {}
export const fixture: RequestAuth = {
  user: claims,
  sub: claims.sub,
  authenticatedAt: new Date(),
  sessionId: 'a',
  data,
  getAccessToken: () => Promise.reject(new Error('not in this test')),
  logout: () => Promise.resolve(),
}

// Detached methods.
export async function detached(): Promise<void> {
  const { getAccessToken, logout } = fixture
  await getAccessToken({ audience: undefined, scope: 'read' })
  await logout()
}
