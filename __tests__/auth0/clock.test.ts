import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { ada, startApp, type TestAppOptions } from '../support/app.ts'

const credentials = { username: ada.email, password: ada.password }
const HOUR = 3600

const start = (settings: TestAppOptions = {}) => startApp({ store: 'memory', ...settings })

beforeEach(() => {
  // A second boundary between issue and check would blur the limits.
  jest.spyOn(Date, 'now').mockReturnValue(Date.now())
})

afterEach(() => {
  jest.restoreAllMocks()
})

describe('a login where the clock of Auth0', () => {
  it.each([
    ['is an hour ahead', HOUR],
    ['is an hour behind', -HOUR],
  ])('%s succeeds', async (_, seconds) => {
    const app = await start()
    app.emulator.clock.advance(seconds)
    await app.login().expect(200)
  })

  it.each([
    [29, 200],
    [31, 500],
  ])('says that the ID token expired %i seconds ago answers %i', async (seconds, status) => {
    const app = await start({ emulator: { idTokenTtl: 60 } })
    app.emulator.clock.advance(-60 - seconds)
    await app.login().expect(status)
    if (status === 500) expect(app.events[0]!.detail).toMatch(/the clock of this machine/)
  })

  it.each([
    [29, 200],
    [31, 500],
  ])('says that the ID token becomes valid in %i seconds answers %i', async (seconds, status) => {
    const app = await start()
    app.emulator.users.update(ada.email, { claims: { nbf: Math.floor(Date.now() / 1000) + seconds } })
    await app.login().expect(status)
  })
})

describe('a refresh where the clock of Auth0', () => {
  it.each([
    [29, true],
    [31, false],
  ])('says that the ID token expired %i seconds ago: %j', async (seconds, isAccepted) => {
    const { auth, emulator } = await start({ emulator: { idTokenTtl: 60 } })
    const scope = 'openid offline_access'
    const { refreshToken = '' } = await auth.client.getTokenByPassword({ ...credentials, scope })
    emulator.clock.advance(-60 - seconds)
    const refreshed = auth.client.refresh({ refreshToken })
    if (isAccepted) expect(await refreshed).toHaveProperty('idToken')
    else await expect(refreshed).rejects.toMatchObject({ code: 'configuration_error' })
  })
})

describe('expiresAt', () => {
  it('is the lifetime from now on by the clock of this process, whatever that of Auth0 says', async () => {
    const clock = () => 1_000_000_999
    const { auth, emulator } = await start({ seams: { clock }, emulator: { accessTokenTtl: 600 } })
    emulator.clock.advance(HOUR)
    const { expiresAt } = await auth.client.getTokenByPassword(credentials)
    expect(expiresAt).toBe(1_000_000 + 600)
  })
})

describe('Retry-After', () => {
  it('is the time until x-ratelimit-reset by the clock of Auth0', async () => {
    const app = await start()
    const now = Date.now() + HOUR * 1000
    const headers = {
      date: new Date(now).toUTCString(),
      'x-ratelimit-reset': String(Math.floor(now / 1000) + 20),
    }
    app.emulator.failNext({ status: 429, body: { error: 'too_many_requests' }, headers })
    const answer = await app.login().expect(503)
    expect(answer.headers['retry-after']).toBe('20')
  })
})
