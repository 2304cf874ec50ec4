/** What is known about the logged-in user, and how an app declares more. */
import express from 'express'
import type { LoginData, RequestAuth, UserClaims } from 'express-auth0-ropg'
import { auth, takes } from './auth.ts'

declare module 'express-auth0-ropg' {
  interface UserClaims {
    readonly 'https://example.com/roles'?: readonly string[]
  }
  interface LoginData {
    tenantId: string
  }
}

const app = express()

app.get('/me', auth.requireAuth, (req) => {
  const { user, data } = req.auth
  takes.text(user.sub)
  takes.text(user.name ?? user.nickname ?? user.email ?? '')
  takes.text(data.tenantId)
  const isVerified: boolean | undefined = user.email_verified
  const roles: readonly string[] = user['https://example.com/roles'] ?? []
  const unknownClaim: unknown = user.shoe_size
  // @ts-expect-error -- claims that nobody declared are unknown
  takes.text(user.shoe_size)
  // @ts-expect-error -- may be missing
  takes.text(user.email)
  // @ts-expect-error -- not declared
  takes.text(data.planId)
  // @ts-expect-error -- claims are read only
  user.name = 'Ada'
  return { isVerified, roles, unknownClaim }
})

// Fixtures of tests.
export const claims: UserClaims = { sub: 'auth0|1', email: 'ada@example.com', shoe_size: 42 }
export const data: LoginData = { tenantId: 't1' }
export const fixture: RequestAuth = {
  user: claims,
  sub: claims.sub,
  authenticatedAt: new Date(),
  sessionId: 'a',
  data,
  getAccessToken: () => Promise.reject(new Error('not in this test')),
  logout: () => Promise.resolve(),
}

// Functions that are taken off their object.
export async function detached(): Promise<void> {
  const { getAccessToken, logout } = fixture
  await getAccessToken({ audience: undefined, scope: 'read' })
  await logout()
}
