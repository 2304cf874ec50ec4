import { expect, it } from '@jest/globals'
import { ada, startApp } from '../support/app.ts'

it('a refresh goes through while as many logins as may wait are stuck at Auth0, and one more login is refused', async () => {
  const { auth, emulator } = await startApp({ store: 'memory', options: { timeouts: { auth0: 30_000 } } })
  const logIn = () =>
    auth.client.getTokenByPassword({ username: ada.email, password: ada.password, scope: 'openid offline_access' })
  const { refreshToken = '' } = await logIn()
  const gates = Array.from({ length: 64 }, () => emulator.hold({ grantType: 'password' }))
  const stuck = gates.map(logIn)
  await Promise.all(gates.map(({ arrived }) => arrived))

  const refreshed = await auth.client.refresh({ refreshToken })

  expect(refreshed.accessToken).toEqual(expect.any(String))
  await expect(logIn()).rejects.toMatchObject({ code: 'auth_unavailable', status: 503 })
  for (const gate of gates) gate.release()
  expect(await Promise.all(stuck)).toHaveLength(64)
})
