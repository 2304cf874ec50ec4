import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { ERRORS } from '../../lib/errors.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada } from '../support/app.ts'
import { type Api, startApi } from './support/api.ts'
import { type Program, startProgram } from './support/program.ts'

let emulator: Auth0Emulator
let api: Api
let program: Program

beforeAll(async () => {
  emulator = await startAuth0Emulator()
  api = await startApi(emulator)
  program = await startProgram('__tests__/integrations/apollo.ts', { emulator, env: { API_URL: api.url } })
})
afterAll(async () => {
  await program.stop()
  await Promise.all([api.close(), emulator.close()])
})

async function query(text: string, cookie = '') {
  const answer = await fetch(`${program.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie },
    body: JSON.stringify({ query: text }),
  })
  return { status: answer.status, text: await answer.clone().text(), body: (await answer.json()) as any } // eslint-disable-line @typescript-eslint/no-explicit-any -- what JSON.parse gives
}

it('answers anonymous requests with the public message', async () => {
  expect((await query('{ me { name } }')).body).toEqual({ data: { me: null } })
  const { body } = await query('{ posts }')
  expect(body.errors).toEqual([
    expect.objectContaining({ message: ERRORS.unauthenticated[1], extensions: { code: 'unauthenticated' } }),
  ])
})

it('returns the user and gets an access token for the API', async () => {
  const cookie = await program.logIn()
  expect((await query('{ me { name } }', cookie)).body).toEqual({ data: { me: { name: ada.name } } })
  const { body } = await query('{ posts }', cookie)
  expect(JSON.parse(body.data.posts)).toMatchObject({ sub: expect.stringMatching(/^auth0\|/), path: '/posts' })
})

it('shows clients the public message of an AuthError, but no details for operators', async () => {
  const withoutRefreshToken = await program.logInAndExpire()
  const withRefreshToken = await program.logInAndExpire({ remember_me: true })

  const first = await query('{ posts }', withoutRefreshToken)
  expect(first.body.errors).toEqual([
    expect.objectContaining({
      message: ERRORS.reauthentication_required[1],
      extensions: { code: 'reauthentication_required' },
    }),
  ])
  expect(first.text).not.toMatch(/offline_access|refresh token|Allow Offline/)

  const body = { error: 'invalid_grant', error_description: 'private words of the tenant' }
  emulator.failNext({ grantType: 'refresh_token', status: 403, body })
  const second = await query('{ posts }', withRefreshToken)
  expect(second.body.errors).toEqual([
    expect.objectContaining({ message: ERRORS.session_expired[1], extensions: { code: 'session_expired' } }),
  ])
  expect(second.text).not.toMatch(/private words|invalid_grant/)
})

it('answers with the public message while Redis is down, and the process stays up', async () => {
  const cookie = await program.logIn()
  await program.redis.takeDown()
  const { status, body, text } = await query('{ me { name } }', cookie)
  expect(status).toBe(500)
  expect(body.errors[0].message).toBe(`Context creation failed: ${ERRORS.session_unavailable[1]}`)
  expect(text).not.toMatch(/ECONNREFUSED|redis:/i)
  await program.expectAlive()
})
