import { describe, expect, it } from '@jest/globals'
import type { RopgAuth } from '../../lib/index.ts'
import type { Auth0Emulator, RequestMatch } from '../../lib/testing/index.ts'
import { ada, startApp } from '../support/app.ts'

const LOGINS = 64
const ACCOUNT_CALLS = 16
const { email, password } = ada

const start = () => startApp({ store: 'memory', options: { timeouts: { auth0: 30_000 } } })
const busy = { code: 'auth_unavailable', status: 503 }

const logIn = ({ client }: RopgAuth, scope = 'openid offline_access') =>
  client.getTokenByPassword({ username: email, password, scope })
const reset = ({ client }: RopgAuth) => client.requestPasswordReset({ email, connection: 'customers' })
const signUp = ({ client }: RopgAuth) =>
  client.signUp({ email: 'new@example.com', password: 'Correct-horse-1', connection: 'customers' })

/** Makes as many calls, which all wait at Auth0 until they are released. */
async function stick(emulator: Auth0Emulator, match: RequestMatch, calls: (() => Promise<unknown>)[]) {
  const gates = calls.map(() => emulator.hold(match))
  const stuck = calls.map((call) => call())
  await Promise.all(gates.map(({ arrived }) => arrived))
  return () => {
    for (const gate of gates) gate.release()
    return Promise.allSettled(stuck)
  }
}

describe('while as many logins as may wait are stuck at Auth0', () => {
  it('a refresh and a password reset go through, and one more login or second factor is refused', async () => {
    const { auth, emulator } = await start()
    const { refreshToken = '' } = await logIn(auth)
    const calls = Array.from({ length: LOGINS }, () => () => logIn(auth))
    const release = await stick(emulator, { grantType: 'password' }, calls)
    const seen = emulator.requests.length

    const mfaToken = 'of a login before'
    await expect(logIn(auth)).rejects.toMatchObject(busy)
    await expect(auth.client.mfa.verify({ mfaToken, otp: '123456' })).rejects.toMatchObject(busy)
    await expect(auth.client.mfa.authenticators(mfaToken)).rejects.toMatchObject(busy)
    await expect(auth.client.mfa.challenge({ mfaToken })).rejects.toMatchObject(busy)
    await expect(auth.client.mfa.enroll({ mfaToken, type: 'otp' })).rejects.toMatchObject(busy)
    expect(emulator.requests).toHaveLength(seen)

    expect((await auth.client.refresh({ refreshToken })).accessToken).toEqual(expect.any(String))
    await reset(auth)
    const settled = await release()
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(LOGINS)
    await logIn(auth)
  })

  it('also counts second factors', async () => {
    const { auth, emulator } = await start()
    const path = '/mfa/authenticators'
    const calls = Array.from({ length: LOGINS }, () => () => auth.client.mfa.authenticators('any'))
    const release = await stick(emulator, { path }, calls)
    await expect(logIn(auth)).rejects.toMatchObject(busy)
    await release()
    await logIn(auth)
  })
})

it('while as many signups and password resets as may wait are stuck, logins go through, and one more is refused', async () => {
  const { auth, emulator } = await start()
  const calls = Array.from({ length: ACCOUNT_CALLS }, () => () => reset(auth))
  const release = await stick(emulator, { path: '/dbconnections/change_password' }, calls)
  const seen = emulator.requests.length
  await expect(reset(auth)).rejects.toMatchObject(busy)
  await expect(signUp(auth)).rejects.toMatchObject(busy)
  expect(emulator.requests).toHaveLength(seen)
  await logIn(auth)
  await release()
  await signUp(auth)
})
