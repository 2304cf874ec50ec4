import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Redis } from 'ioredis'
import request from 'supertest'
import type { TestApp } from '../../support/app.ts'
import { cookieOf, openRedis, refusal, sessionIdOf, until } from '../../http/wire.ts'
import { asAda, asBob, cart, fill, keyOf, logIn, logOut, me, startShop, subOf } from './shop.ts'

describe('a Redis record that was copied, edited, or forged', () => {
  let shop: TestApp
  let redis: Redis
  let adas: string
  let bobs: string

  beforeEach(async () => {
    shop = await startShop({
      after: (app, auth) => {
        app.get('/token', auth.requireAuth, (req, res, next) => {
          req.auth.getAccessToken().then(() => res.json({ sub: req.auth.sub }), next)
        })
        app.get('/any', (req, res, next) => {
          auth.authenticate(req).then((found) => res.json({ sub: found?.sub ?? null }), next)
        })
      },
    })
    redis = openRedis()
    adas = cookieOf(await logIn(shop, { ...asAda, remember_me: true }).expect(200))
    bobs = cookieOf(await logIn(shop, { ...asBob, remember_me: true }).expect(200))
    await fill(shop, 'book', adas).expect(200)
  })

  const get = (path: string, cookie: string) => request(shop.app).get(path).set('Cookie', cookie)
  const recordOf = async (cookie: string) => redis.hgetallBuffer(await keyOf(shop, sessionIdOf(cookie)))
  const store = async (cookie: string, fields: Record<string, string | Buffer>) =>
    redis.hset(await keyOf(shop, sessionIdOf(cookie)), fields)

  it('does not open elsewhere: a whole record', async () => {
    await store(bobs, await recordOf(adas))
    expect((await me(shop, bobs).expect(401)).body).toEqual(refusal('session_expired'))
    expect((await get('/token', bobs)).status).toBe(401)
    expect((await get('/any', bobs).expect(200)).body).toEqual({ sub: null })
    expect((await cart(shop, bobs).expect(200)).body).toEqual({ cart: [], sub: null })
  })

  it('does not open elsewhere: only the login', async () => {
    const { l = '' } = await recordOf(adas)
    await store(bobs, { l })
    expect((await me(shop, bobs).expect(401)).body).toEqual(refusal('session_expired'))
    expect((await cart(shop, bobs).expect(200)).body.sub).toBeNull()
  })

  it('does not open elsewhere: only the tokens', async () => {
    const { t = '' } = await recordOf(adas)
    await store(bobs, { t })
    await me(shop, bobs).expect(200)
    expect((await get('/token', bobs)).status).toBe(401)
  })

  it('cannot end the original session', async () => {
    await store(bobs, await recordOf(adas))
    await logOut(shop, bobs).expect(200)
    expect((await me(shop, adas).expect(200)).body.sub).toBe(subOf(shop, asAda))
    await get('/token', adas).expect(200)
    // Bob's own refresh token was overwritten, so nothing can be revoked.
    expect(shop.emulator.requestsTo('/oauth/revoke')).toEqual([])
  })

  it("passes no data on to a login, because it may be another user's", async () => {
    const preserving = await startShop({
      emulator: shop.emulator,
      options: { session: { prefix: shop.prefix, preserve: ['cart'] } },
      after: (app, auth) => {
        app.post('/own/login', auth.session, (req, res, next) => {
          auth.login(req, req.body as typeof asBob).then(() => res.json({}), next)
        })
        app.use('/mounted', auth.session, auth.router)
      },
    })
    for (const path of ['/auth/login', '/mounted/login']) {
      await store(bobs, await recordOf(adas))
      const answer = await request(preserving.app).post(path).set('Cookie', bobs).send(asBob).expect(200)
      bobs = cookieOf(answer)
      expect((await cart(preserving, bobs).expect(200)).body).toEqual({ cart: [], sub: subOf(shop, asBob) })
    }
  })

  it.each([
    ['nothing', ''],
    ['text', 'text'],
    ['JSON of a login', JSON.stringify({ sub: 'auth0|eve', user: {}, scope: '', handle: 'h', since: 1, until: 9e15 })],
    ['many zero bytes', '\0'.repeat(100)],
    ['what another secret has sealed', 'A'.repeat(400)],
  ])('neither opens nor crashes with %s as the login', async (_name, l) => {
    await store(adas, { l })
    expect((await me(shop, adas).expect(401)).body).toEqual(refusal('session_expired'))
    expect((await cart(shop, adas).expect(200)).body.sub).toBeNull()
    expect((await get('/any', adas).expect(200)).body).toEqual({ sub: null })
    await logOut(shop, adas).expect(200)
    await me(shop, adas).expect(401)
  })

  it('does not open with any byte of the login changed', async () => {
    const { l = Buffer.alloc(0) } = await recordOf(adas)
    const bytes = l
    for (let at = 0; at < bytes.length; at += 17) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(bytes.readUInt8(at) ^ 1, at)
      await store(adas, { l: changed })
      expect([at, (await me(shop, adas)).status]).toEqual([at, 401])
    }
    await store(adas, { l })
    await me(shop, adas).expect(200)
  })

  it('never crashes with garbage in any field', async () => {
    const whole = await recordOf(adas)
    for (const field of Object.keys(whole)) {
      for (const nonsense of ['', 'NaN', '-1', '1e400', '[]', '{"cookie":', '\uffff']) {
        await store(adas, { ...whole, [field]: nonsense })
        for (const answer of [
          await me(shop, adas),
          await get('/token', adas),
          await cart(shop, adas),
          await get('/auth/sessions', adas),
        ]) {
          expect([field, nonsense, [200, 401].includes(answer.status)]).toEqual([field, nonsense, true])
        }
      }
    }
    const key = await keyOf(shop, sessionIdOf(adas))
    await redis.del(key)
    await redis.hset(key, whole)
    await me(shop, adas).expect(200)
  })

  it('does not revive a session after logout, under another id or with a replayed cookie', async () => {
    const record = await recordOf(adas)
    await logOut(shop, adas).expect(200)
    expect((await me(shop, adas).expect(401)).body).toEqual(refusal('session_expired'))
    await store(bobs, record)
    await me(shop, bobs).expect(401)
    await until(() => shop.emulator.requestsTo('/oauth/revoke').length > 0)
  })
})
