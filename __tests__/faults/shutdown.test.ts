import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { ask, logIn } from './requests.ts'
import { startWorld, type World } from './world.ts'

let world: World

beforeEach(async () => {
  world = await startWorld({ redis: 1000, auth0: 5000 })
})
afterEach(() => world.close())

/** Asks for a token, and goes away when Auth0 has been asked: from then on, nothing but the refresh keeps the process. */
async function refreshAndLeave(url: string, cookie: string, arrived: Promise<unknown>): Promise<void> {
  const client = new AbortController()
  const answer = fetch(`${url}/token`, { headers: { cookie }, signal: client.signal }).catch(() => 'gone')
  await arrived
  client.abort()
  expect(await answer).toBe('gone')
}

/** A login whose access token has expired by the time it is given back. */
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
  await refreshAndLeave(first.url, cookie, held.arrived)

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

it('SIGTERM while Auth0 never answers: the process ends within 5 s all the same', async () => {
  const app = await world.startApp()
  const cookie = await logInAndExpire(app.url)
  const leaving = await logIn(app.url)
  const refresh = world.emulator.hold({ grantType: 'refresh_token' })
  const revocation = world.emulator.hold({ path: '/oauth/revoke' })
  expect((await ask(app.url, 'logout', leaving)).status).toBe(200)
  await refreshAndLeave(app.url, cookie, refresh.arrived)
  await revocation.arrived

  const { complaints, took } = await app.stop()

  expect(complaints).toEqual([])
  expect(took).toBeLessThan(5000)
})
