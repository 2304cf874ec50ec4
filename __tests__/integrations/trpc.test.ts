import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { createTRPCClient, httpBatchLink, TRPCClientError } from '@trpc/client'
import { ERRORS, type AuthErrorCode } from '../../lib/errors.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada } from '../support/app.ts'
import { type Api, startApi } from './support/api.ts'
import { type Program, startProgram } from './support/program.ts'
import type { AppRouter } from './trpc.ts'

let emulator: Auth0Emulator
let api: Api
let program: Program
/** All responses so far. */
const answers: { status: number; text: string }[] = []

beforeAll(async () => {
  emulator = await startAuth0Emulator()
  api = await startApi(emulator)
  program = await startProgram('__tests__/integrations/trpc.ts', { emulator, env: { API_URL: api.url } })
})
afterAll(async () => {
  await program.stop()
  await Promise.all([api.close(), emulator.close()])
})

function client(cookie = '') {
  const link = httpBatchLink<AppRouter>({
    url: `${program.url}/trpc`,
    headers: { cookie },
    async fetch(url, init) {
      const answer = await fetch(url, init as RequestInit)
      answers.push({ status: answer.status, text: await answer.clone().text() })
      return answer
    },
  })
  return createTRPCClient<AppRouter>({ links: [link] })
}

/** The error that the client receives. */
async function refusalOf(call: Promise<unknown>) {
  const err: unknown = await call.catch((reason: unknown) => reason)
  if (!(err instanceof TRPCClientError)) throw new Error('the call did not fail', { cause: err })
  const { message, data } = err as TRPCClientError<AppRouter>
  return { message, authError: data?.authError, status: answers.at(-1)?.status }
}

function publicly(code: AuthErrorCode) {
  const [status, message] = ERRORS[code]
  return { message, authError: code, status }
}

it('refuses anonymous calls with the public message', async () => {
  expect(await refusalOf(client().me.query())).toEqual(publicly('unauthenticated'))
})

it('returns the user and gets an access token for the API', async () => {
  const trpc = client(await program.logIn())
  expect(await trpc.me.query()).toMatchObject({ email: ada.email, name: ada.name })
  expect(JSON.parse(await trpc.posts.query())).toMatchObject({ sub: expect.stringMatching(/^auth0\|/), path: '/posts' })
})

it('shows clients the public message of an AuthError, but no details for operators', async () => {
  const withoutRefreshToken = await program.logInAndExpire()
  const withRefreshToken = await program.logInAndExpire({ remember_me: true })
  answers.length = 0

  expect(await refusalOf(client(withoutRefreshToken).posts.query())).toEqual(publicly('reauthentication_required'))
  const body = { error: 'invalid_grant', error_description: 'private words of the tenant' }
  emulator.failNext({ grantType: 'refresh_token', status: 403, body })
  expect(await refusalOf(client(withRefreshToken).posts.query())).toEqual(publicly('session_expired'))
  expect(answers).toHaveLength(2)
  expect(JSON.stringify(answers)).not.toMatch(/offline_access|refresh token|Allow Offline|private words|invalid_grant/)
})

it('answers with the public message while Redis is down, and the process stays up', async () => {
  const cookie = await program.logIn()
  await program.redis.takeDown()
  answers.length = 0
  expect(await refusalOf(client(cookie).me.query())).toEqual(publicly('session_unavailable'))
  expect(JSON.stringify(answers)).not.toMatch(/ECONNREFUSED|redis:/i)
  await program.expectAlive()
})
