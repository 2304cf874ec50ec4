// An app declares claims and login data of its own.
import express from 'express'
import { createRopgAuth, type LoginData, type RequestAuth, type UserClaims } from 'express-auth0-ropg'

declare module 'express-auth0-ropg' {
  interface UserClaims {
    readonly 'https://example.com/roles'?: readonly string[]
    readonly plan: 'free' | 'pro'
  }
  interface LoginData {
    tenantId: string
  }
}

const auth = createRopgAuth()
const app = express()

app.get('/me', auth.requireAuth, (req) => {
  const roles: readonly string[] = req.auth.user['https://example.com/roles'] ?? []
  const plan: 'free' | 'pro' = req.auth.user.plan
  const tenantId: string = req.auth.data.tenantId
  // @ts-expect-error -- not declared
  void req.auth.data.planId
  return [roles, plan, tenantId]
})

export const claims: UserClaims = { sub: 'auth0|1', plan: 'pro' }
export const data: LoginData = { tenantId: 't1' }
export const tenantOf = (login: RequestAuth) => login.data.tenantId
