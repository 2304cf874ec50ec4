import type { StoredUser } from './types.js'

const UPDATED_AT = '2026-01-01T00:00:00.000Z'

/** User claims in ID tokens and /userinfo, by scope. */
export function userClaims(user: StoredUser, scope: string[]): Record<string, unknown> {
  const profile = scope.includes('profile') ? profileClaims(user) : {}
  const email = scope.includes('email') ? { email: user.email, email_verified: user.emailVerified ?? true } : {}
  return { ...profile, ...email, ...user.claims }
}

function profileClaims({ email, name }: StoredUser): Record<string, unknown> {
  const [nickname] = email.split('@')
  const picture = `https://s.gravatar.com/avatar/${encodeURIComponent(nickname ?? '')}`
  return { nickname, name: name ?? nickname, picture, updated_at: UPDATED_AT }
}
