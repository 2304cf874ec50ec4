import { beforeEach, describe, expect, it } from '@jest/globals'
import request from 'supertest'
import { refusal } from '../../http/wire.ts'
import { cookieOf, gate, keysUnder, openRedis, sessionIdOf, until } from '../../http/wire.ts'
import type { TestApp, TestAppOptions } from '../../support/app.ts'
import { asAda, listKeyOf, logIn, me, startShop, subOf } from './shop.ts'

const MINUTE = 60_000

describe("a user's list that Redis has evicted", () => {
  let now: number
  let shop: TestApp
  let cookie: string
  let sub: string

  const start = (settings: TestAppOptions = {}) => startShop({ ...settings, seams: { testClock: () => now } })
  const sessions = () => shop.auth.sessions
  const isListed = async () => (await sessions().list(sub)).length === 1
  const evict = async () => openRedis().del(await listKeyOf(shop))
  const hasSession = async () => (await keysUnder(shop.prefix)).some((key) => key.endsWith(`:s:${sessionIdOf(cookie)}`))

  beforeEach(async () => {
    now = Date.now()
    shop = await start()
    sub = subOf(shop, asAda)
    cookie = cookieOf(await logIn(shop, { ...asAda, remember_me: true }).expect(200))
    await me(shop, cookie).expect(200)
  })

  it('contains the session again once it is extended, so that it can be revoked', async () => {
    await evict()
    expect(await isListed()).toBe(false)
    now += MINUTE
    await me(shop, cookie).expect(200)
    await until(isListed)
    expect(await sessions().revokeAll(sub)).toBe(1)
    expect((await me(shop, cookie).expect(401)).body).toEqual(refusal('session_expired'))
    await until(() => shop.emulator.refreshTokens.families() === 0)
  })

  it('contains it again after a request with auth.session or to another process', async () => {
    for (const ask of [
      () => request(shop.app).get('/cart').set('Cookie', cookie),
      async () => {
        const twin = await start({ emulator: shop.emulator, options: { session: { prefix: shop.prefix } } })
        return me(twin, cookie)
      },
    ]) {
      await evict()
      now += MINUTE
      expect((await ask()).status).toBe(200)
      await until(isListed)
    }
  })

  it('does not get a revoked session back, which ends when it would be extended', async () => {
    await evict()
    expect(await sessions().revokeAll(sub)).toBe(0)
    now += MINUTE
    await me(shop, cookie)
    await until(async () => !(await hasSession()))
    expect((await me(shop, cookie).expect(401)).body).toEqual(refusal('session_expired'))
    await until(() => shop.emulator.refreshTokens.families() === 0)
    expect(await sessions().list(sub)).toEqual([])
  })

  it('keeps a login after the revocation', async () => {
    await evict()
    await sessions().revokeAll(sub)
    now += 1
    const later = cookieOf(await logIn(shop, asAda).expect(200))
    now += MINUTE
    await me(shop, later).expect(200)
    await me(shop, cookie)
    await until(async () => !(await hasSession()))
    await me(shop, later).expect(200)
    expect(await sessions().list(sub)).toHaveLength(1)
  })

  it('does not get a session back that ends while it is extended', async () => {
    const inside = gate()
    const held = gate()
    const site = await startShop({
      emulator: shop.emulator,
      options: { session: { prefix: shop.prefix } },
      seams: { testClock: () => now },
      after: (app, auth) => {
        app.get('/slow', auth.requireAuth, async (_req, res) => {
          inside.open()
          await held.opened
          res.end()
        })
      },
    })
    now += MINUTE
    const slow = request(site.app).get('/slow').set('Cookie', cookie).then()
    await inside.opened
    expect(await sessions().revokeAll(sub)).toBe(1)
    held.open()
    await slow
    await me(site, cookie).expect(401)
    expect(await hasSession()).toBe(false)
  })

  it('keeps the session that a revocation excluded', async () => {
    const other = cookieOf(await logIn(shop, asAda).expect(200))
    await request(shop.app).delete('/auth/sessions').set('Cookie', cookie).expect(204)
    await me(shop, other).expect(401)
    now += MINUTE
    await me(shop, cookie).expect(200)
    now += MINUTE
    await me(shop, cookie).expect(200)
    await until(isListed)
  })
})
