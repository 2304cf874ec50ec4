import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ERRORS, type AuthErrorCode } from '../../lib/errors.ts'
import { ada } from '../support/app.ts'
import { type Program, startProgram } from './support/program.ts'

let program: Program

beforeAll(async () => {
  program = await startProgram('examples/nestjs/app.ts')
})
afterAll(() => program.stop())

async function get(path: string, cookie = '') {
  const answer = await fetch(program.url + path, { headers: { cookie } })
  return {
    status: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    body: await answer.json(),
  }
}

function refusal(error: AuthErrorCode) {
  const [status, message] = ERRORS[error]
  return { status, body: { success: false, error, message } }
}

describe.each([
  ['a guard with auth.authenticate', '/notes'],
  ['auth.requireAuth as middleware', '/me'],
])('behind %s', (_what, path) => {
  it('refuses anonymous requests', async () => {
    expect(await get(path)).toMatchObject(refusal('unauthenticated'))
  })

  it('answers logged-in requests', async () => {
    const { status, body } = await get(path, await program.logIn())
    expect(status).toBe(200)
    expect(JSON.stringify(body)).toContain(ada.name)
  })
})

describe('a controller', () => {
  it('answers with what its login may do', async () => {
    const { status, body } = await get('/me/token', await program.logIn())
    expect([status, body]).toEqual([200, { scope: expect.stringContaining('openid'), expiresAt: expect.any(Number) }])
  })

  it('that throws an AuthError gets the answer of the package', async () => {
    const cookie = await program.logInAndExpire()
    expect(await get('/me/token', cookie)).toMatchObject(refusal('reauthentication_required'))
    expect(await get('/me', cookie)).toMatchObject({ status: 200 })
  })
})

it('serves the routes of auth.router, and their errors', async () => {
  const cookie = await program.logIn()
  expect(await get('/api/auth/user', cookie)).toMatchObject({ status: 200, body: { user: { email: ada.email } } })
  await program.logOut(cookie)
  expect(await get('/notes', cookie)).toMatchObject({ status: 401 })
})

it('answers 503 while Redis is down, and the process stays up', async () => {
  const cookie = await program.logIn()
  await program.redis.takeDown()
  for (const path of ['/notes', '/me']) {
    expect(await get(path, cookie)).toMatchObject({ ...refusal('session_unavailable'), retryAfter: '2' })
  }
  await program.expectAlive()
})
