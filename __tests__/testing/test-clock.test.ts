import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { createTestClock, startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada, startApp } from '../support/app.ts'

const DAY = 24 * 60 * 60
const nodeEnv = process.env.NODE_ENV

afterEach(() => {
  process.env.NODE_ENV = nodeEnv
  jest.restoreAllMocks()
})

describe('createTestClock()', () => {
  it('is real time until it is advanced', () => {
    const clock = createTestClock()
    const before = Date.now()
    expect(clock.now()).toBeGreaterThanOrEqual(before)
    clock.advance(DAY)
    expect(clock.now()).toBeGreaterThanOrEqual(before + DAY * 1000)
    expect(clock.now()).toBeLessThanOrEqual(Date.now() + DAY * 1000)
  })

  it('alone ends sessions of the app', async () => {
    const clock = createTestClock()
    const app = await startApp({ options: { clock } })
    const browser = app.agent()
    await browser.post('/auth/login').send(ada).expect(200)
    clock.advance(2 * DAY)
    await browser.get('/me').expect(401)
  })

  it('of an emulator moves the time of both: tokens expire and are refreshed', async () => {
    const emulator = await startAuth0Emulator({ accessTokenTtl: 3600 })
    const clock = createTestClock(emulator)
    const app = await startApp({
      emulator,
      options: { clock, scope: 'openid offline_access' },
      after: (routes, auth) => {
        routes.get('/token', auth.requireAuth, async (req, res) => {
          res.json(await req.auth.getAccessToken())
        })
      },
    })
    const browser = app.agent()
    await browser.post('/auth/login').send(ada).expect(200)
    const { body: first } = await browser.get('/token').expect(200)
    clock.advance(2 * 3600)
    const { body: second } = await browser.get('/token').expect(200)
    expect(emulator.requests.filter(({ grantType }) => grantType === 'refresh_token')).toHaveLength(1)
    expect(second.expiresAt - first.expiresAt).toBeGreaterThanOrEqual(2 * 3600)
    expect(emulator.clock.now()).toBeGreaterThan(Date.now() + 7_000_000)
    await emulator.close()
  })

  it.each(['memory', 'redis'] as const)('is not moved by a faked Date, which ends no session (%s)', async (store) => {
    const emulator = await startAuth0Emulator()
    const clock = createTestClock(emulator)
    const app = await startApp({ store, emulator, options: { clock } })
    const browser = app.agent()
    await browser.post('/auth/login').send(ada).expect(200)
    const faked = Date.now() + 400 * DAY * 1000
    jest.spyOn(Date, 'now').mockImplementation(() => faked)
    await browser.get('/me').expect(200)
    await app.agent().post('/auth/login').send(ada).expect(200)
    clock.advance(2 * DAY)
    await browser.get('/me').expect(401)
    await emulator.close()
  })

  it('is refused in production', () => {
    process.env.NODE_ENV = 'production'
    expect(() => createTestClock()).toThrow(/for tests/)
  })
})
