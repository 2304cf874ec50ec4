import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { ask, logIn } from './requests.ts'
import { startWorld, type World } from './world.ts'

let world: World

beforeAll(async () => {
  world = await startWorld({ redis: 1000, auth0: 5000 })
})
afterAll(() => world.close())

/** Logs in with an access token that expires immediately. */
async function logInAndExpire(url: string): Promise<string> {
  const { tenant } = world.emulator
  const usual = tenant.accessTokenTtl
  tenant.accessTokenTtl = 1
  const cookie = await logIn(url)
  tenant.accessTokenTtl = usual
  return cookie
}

const refreshes = () =>
  world.emulator.requestsTo('/oauth/token').filter(({ grantType }) => grantType === 'refresh_token')

it('SIGTERM in the middle of a refresh: the new refresh token is kept, and the process ends within 5 s', async () => {
  const first = await world.startApp()
  const cookie = await logInAndExpire(first.url)
  world.emulator.tenant.leeway = 0
  const held = world.emulator.hold({ grantType: 'refresh_token', after: true })
  void ask(first.url, 'expired', cookie)
  await held.arrived

  const closing = first.closing()
  const ended = first.stop()
  await closing
  held.release()

  const { complaints, took } = await ended
  expect(complaints).toEqual([])
  expect(took).toBeLessThan(5000)
  const second = await world.startApp()
  expect((await ask(second.url, 'expired', cookie)).status).toBe(200)
  expect(refreshes()).toHaveLength(1)
  await second.stop()
})

it('SIGTERM while Auth0 never responds: the process still ends within 5 s', async () => {
  const app = await world.startApp()
  const cookie = await logInAndExpire(app.url)
  const leaving = await logIn(app.url)
  const refresh = world.emulator.hold({ grantType: 'refresh_token' })
  const revocation = world.emulator.hold({ path: '/oauth/revoke' })
  expect((await ask(app.url, 'logout', leaving)).status).toBe(200)
  void ask(app.url, 'expired', cookie)
  await Promise.all([refresh.arrived, revocation.arrived])

  const { complaints, took } = await app.stop()

  expect(complaints).toEqual([])
  expect(took).toBeLessThan(5000)
})
