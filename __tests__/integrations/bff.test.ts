import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals'
import { ERRORS, type AuthErrorCode } from '../../lib/errors.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/index.ts'
import { type Api, startApi } from './support/api.ts'
import { type Program, startProgram } from './support/program.ts'

let emulator: Auth0Emulator
let api: Api
let program: Program

beforeAll(async () => {
  emulator = await startAuth0Emulator()
  api = await startApi(emulator)
  program = await startProgram('examples/bff/app.ts', {
    ...{ emulator, routes: '/auth' },
    env: { API_URL: api.url },
  })
})
beforeEach(() => {
  api.echoes.length = 0
  emulator.requests.length = 0
})
afterAll(async () => {
  await program.stop()
  await Promise.all([api.close(), emulator.close()])
})

interface Call {
  method?: string
  headers?: Record<string, string>
  body?: string
}

const call = (path: string, init: Call = {}) => fetch(program.url + path, init)

/** Logs in while the tenant issues no refresh tokens for the API. */
async function withoutRefreshToken(logIn: () => Promise<string>): Promise<string> {
  const [posts] = emulator.tenant.apis
  posts!.allowOfflineAccess = false
  const cookie = await logIn()
  posts!.allowOfflineAccess = true
  return cookie
}

const refusal = (error: AuthErrorCode) => ({ success: false, error, message: ERRORS[error][1] })

it('refuses anonymous requests', async () => {
  const answer = await call('/api/posts', { headers: { authorization: 'Bearer mine' } })
  expect([answer.status, await answer.json()]).toEqual([401, refusal('unauthenticated')])
  expect(api.echoes).toEqual([])
})

it('adds the access token and forwards no cookies in either direction', async () => {
  const cookie = await program.logIn()
  const answer = await call('/api/posts?page=2', {
    method: 'POST',
    headers: { cookie: `theme=dark; ${cookie}`, authorization: 'Bearer of the client', 'content-type': 'text/plain' },
    body: 'a post',
  })
  expect(answer.status).toBe(200)
  expect(answer.headers.getSetCookie()).toEqual([])
  const [echo] = api.echoes
  expect(echo).toMatchObject({ method: 'POST', path: '/posts?page=2', body: 'a post' })
  expect(echo!.headers).not.toHaveProperty('cookie')
  expect(echo!.headers.authorization).toMatch(/^Bearer eyJ/)
  expect(JSON.stringify(echo)).not.toContain(cookie)
})

it('refreshes an expired access token once for many concurrent requests', async () => {
  const cookie = await program.logInAndExpire()
  emulator.requests.length = 0
  const answers = await Promise.all(Array.from({ length: 10 }, () => call('/api/posts', { headers: { cookie } })))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  expect((await call('/api/posts', { headers: { cookie } })).status).toBe(200)
  expect(emulator.requestsTo('/oauth/token').map(({ grantType }) => grantType)).toEqual(['refresh_token'])
  expect(new Set(api.echoes.map(({ headers }) => headers.authorization)).size).toBe(1)
})

it('uses an access token without a refresh token until it expires', async () => {
  const { accessTokenTtl } = emulator.tenant
  emulator.tenant.accessTokenTtl = 20
  const cookie = await withoutRefreshToken(() => program.logIn())
  emulator.tenant.accessTokenTtl = accessTokenTtl
  expect((await call('/api/posts', { headers: { cookie } })).status).toBe(200)
})

it('answers reauthentication_required if the token has expired and cannot be refreshed', async () => {
  const cookie = await withoutRefreshToken(() => program.logInAndExpire())
  const answer = await call('/api/posts', { headers: { cookie } })
  expect([answer.status, await answer.json()]).toEqual([401, refusal('reauthentication_required')])
  expect(api.echoes).toEqual([])
})

it('answers 503 while Redis is down, and the process stays up', async () => {
  const cookie = await program.logIn()
  await program.redis.takeDown()
  const answer = await call('/api/posts', { headers: { cookie } })
  expect([answer.status, await answer.json()]).toEqual([503, refusal('session_unavailable')])
  expect(answer.headers.get('retry-after')).toBe('2')
  expect(api.echoes).toEqual([])
  await program.expectAlive()
})
