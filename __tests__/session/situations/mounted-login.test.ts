import { afterEach, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import request from 'supertest'
import { AuthError, type RopgAuthOptions } from '../../../lib/index.ts'
import type { TestApp } from '../../support/app.ts'
import { testRedisUrl } from '../../support/redis.ts'
import { cookieOf, gate, keysUnder, openRedis, refusal, sessionIdOf, until } from '../../http/wire.ts'
import { asAda, asBob, cart, fill, keyOf, me, setCookies, startShop, subOf } from './shop.ts'

const paths = [
  ['mounted in front of the router', '/mounted/login'],
  ['mounted in front of a route with auth.login', '/own/login'],
  ['mounted elsewhere only', '/auth/login'],
] as const

/** A shop with all kinds of logins. */
function start(options: RopgAuthOptions = {}, store: 'redis' | 'memory' = 'redis'): Promise<TestApp> {
  return startShop({
    store,
    options,
    after: (app, auth) => {
      app.use('/mounted', auth.session, auth.router)
      app.post('/own/login', auth.session, (req, res, next) => {
        auth.login(req, req.query as unknown as typeof asAda).then(
          () => res.json({ sub: req.auth?.sub }),
          (err: unknown) => (err instanceof AuthError ? res.status(err.status).json(err) : next(err)),
        )
      })
    },
  })
}

const logInAt = ({ app }: TestApp, path: string, credentials: typeof asAda, cookie = '') =>
  request(app).post(path).set('Cookie', cookie).query(credentials).send(credentials)

describe.each(paths)('findings 7: a login with auth.session %s', (_name, path) => {
  describe.each(['redis', 'memory'] as const)('in %s', (store) => {
    const preserving = () => start({ session: { preserve: ['cart'] } }, store)

    it("keeps a visitor's cart under a new id if preserve includes it", async () => {
      const shop = await preserving()
      const visitor = cookieOf(await fill(shop, 'book').expect(200))
      const answer = await logInAt(shop, path, asAda, visitor).expect(200)
      expect(setCookies(answer)).toHaveLength(1)
      const cookie = cookieOf(answer)
      expect(sessionIdOf(cookie)).not.toBe(sessionIdOf(visitor))
      expect((await cart(shop, cookie).expect(200)).body).toEqual({ cart: ['book'], sub: subOf(shop, asAda) })
      expect((await cart(shop, visitor).expect(200)).body).toEqual({ cart: [], sub: null })
      if (store === 'redis') expect(await keysUnder(shop.prefix)).toHaveLength(2)
    })

    it("drops a visitor's cart otherwise", async () => {
      const shop = await start({}, store)
      const visitor = cookieOf(await fill(shop, 'book').expect(200))
      const cookie = cookieOf(await logInAt(shop, path, asAda, visitor).expect(200))
      expect((await cart(shop, cookie).expect(200)).body.cart).toEqual([])
    })

    it("over the user's own session keeps all of the app's data", async () => {
      const shop = await start({}, store)
      const first = cookieOf(await logInAt(shop, path, asAda).expect(200))
      await fill(shop, 'book', first).expect(200)
      const second = cookieOf(await logInAt(shop, path, asAda, first).expect(200))
      expect(sessionIdOf(second)).not.toBe(sessionIdOf(first))
      expect((await cart(shop, second).expect(200)).body).toEqual({ cart: ['book'], sub: subOf(shop, asAda) })
      await me(shop, first).expect(401)
      expect(await shop.auth.sessions.list(subOf(shop, asAda))).toHaveLength(1)
    })

    it("over another user's session keeps nothing, even preserved data", async () => {
      const shop = await preserving()
      const adas = cookieOf(await logInAt(shop, path, asAda).expect(200))
      await fill(shop, 'book', adas).expect(200)
      const bobs = cookieOf(await logInAt(shop, path, asBob, adas).expect(200))
      expect((await cart(shop, bobs).expect(200)).body).toEqual({ cart: [], sub: subOf(shop, asBob) })
      await me(shop, adas).expect(401)
      expect(await shop.auth.sessions.list(subOf(shop, asAda))).toEqual([])
    })
  })

  it('keeps no cart of a user who has logged out in the meantime', async () => {
    const shop = await start({ session: { preserve: ['cart'] } })
    const adas = cookieOf(await logInAt(shop, path, asAda).expect(200))
    await fill(shop, 'book', adas).expect(200)
    await request(shop.app).post('/auth/logout').set('Cookie', adas).expect(200)
    const bobs = cookieOf(await logInAt(shop, path, asBob, adas).expect(200))
    expect((await cart(shop, bobs).expect(200)).body.cart).toEqual([])
  })

  describe('while the store fails', () => {
    let client: Redis

    afterEach(() => {
      client.disconnect()
    })

    /** Commands fail starting with the one whose text matches. */
    function failing() {
      client = new Redis(testRedisUrl(), { commandTimeout: 5_000 })
      const send = client.sendCommand.bind(client)
      let from: RegExp | undefined
      let isDown = false
      client.sendCommand = (command, stream) => {
        const text = [command.name, ...command.args.map(String)].join(' ')
        isDown ||= Boolean(from?.test(text))
        if (isDown) {
          command.reject(new Error('ERR made to fail'))
          return command.promise
        }
        return send(command, stream)
      }
      return {
        from: (pattern: RegExp) => {
          from = pattern
        },
        recover: () => {
          from = undefined
          isDown = false
        },
      }
    }

    it.each([
      ['when the session is written', /^eval .*HSET/s],
      ['when the list is written', /^evalsha .*:u:/s],
      ['when the old session is ended', /^hmget .* s t$/],
    ])('%s keeps the old session, sets no cookie, and revokes the new refresh token', async (_when, from) => {
      const failure = failing()
      const shop = await start({ redis: client, scope: 'openid profile email offline_access' })
      const old = cookieOf(await logInAt(shop, path, asAda).expect(200))
      await fill(shop, 'book', old).expect(200)
      const before = await openRedis().hgetall(await keyOf(shop, sessionIdOf(old)))

      failure.from(from)
      const answer = await logInAt(shop, path, asAda, old)
      failure.recover()

      expect([answer.status, answer.body]).toEqual([503, refusal('session_unavailable')])
      expect(setCookies(answer)).toEqual([])
      expect(await openRedis().hgetall(await keyOf(shop, sessionIdOf(old)))).toEqual(before)
      expect((await cart(shop, old).expect(200)).body).toEqual({ cart: ['book'], sub: subOf(shop, asAda) })
      await until(() => shop.emulator.requestsTo('/oauth/revoke').length === 1)
      expect(shop.emulator.refreshTokens.families()).toBe(1)
      const again = cookieOf(await logInAt(shop, path, asAda, old).expect(200))
      expect((await cart(shop, again).expect(200)).body.cart).toEqual(['book'])
    })
  })
})

describe('findings 5: an app that copies its session over a regenerate', () => {
  it("creates no login that is missing from the user's list", async () => {
    const shop = await startShop({
      after: (app, auth) => {
        app.post('/regenerate', auth.session, (req, res, next) => {
          const old = Object.fromEntries(Object.entries(req.session))
          req.session.save(() => {
            req.session.regenerate((err: unknown) => {
              if (err) next(err)
              Object.assign(req.session, old)
              req.session.save(() => res.json({}))
            })
          })
        })
      },
    })
    const old = cookieOf(await request(shop.app).post('/auth/login').send(asAda).expect(200))
    await fill(shop, 'book', old).expect(200)
    const copied = cookieOf(await request(shop.app).post('/regenerate').set('Cookie', old).expect(200))
    expect((await cart(shop, copied).expect(200)).body).toEqual({ cart: ['book'], sub: null })
    await me(shop, copied).expect(401)
    await me(shop, old).expect(401)
    expect(await shop.auth.sessions.list(subOf(shop, asAda))).toEqual([])
  })
})

describe("findings 6: a login in progress while the user's sessions are revoked", () => {
  it('does not succeed, and its refresh token is revoked', async () => {
    const shop = await start()
    const held = shop.emulator.hold({ path: '/oauth/token', after: true })
    const login = request(shop.app)
      .post('/auth/login')
      .send({ ...asAda, remember_me: true })
      .then()
    await held.arrived
    expect(await shop.auth.sessions.revokeAll(subOf(shop, asAda))).toBe(0)
    held.release()
    const answer = await login
    expect([answer.status, answer.body, setCookies(answer)]).toEqual([401, refusal('session_expired'), []])
    await until(() => shop.emulator.refreshTokens.families() === 0)
    await until(async () => (await keysUnder(shop.prefix)).every((key) => !key.includes(':s:')))
    cookieOf(await logInAt(shop, '/auth/login', asAda).expect(200))
  })
})

describe('requests concurrent with a login', () => {
  it('do not write data of the old session into the new one', async () => {
    const inside = gate()
    const held = gate()
    const shop = await startShop({
      options: { session: { preserve: ['cart'] } },
      after: (app, auth) => {
        app.post('/late', auth.session, async (req, res) => {
          inside.open()
          await held.opened
          Object.assign(req.session, { cart: ['late'] })
          res.json({})
        })
      },
    })
    const visitor = cookieOf(await fill(shop, 'book').expect(200))
    const late = request(shop.app).post('/late').set('Cookie', visitor).then()
    await inside.opened
    const cookie = cookieOf(await logInAt(shop, '/auth/login', asAda, visitor).expect(200))
    held.open()
    expect(setCookies(await late)).toEqual([])
    expect((await cart(shop, cookie).expect(200)).body.cart).toEqual(['book'])
    expect((await cart(shop, visitor).expect(200)).body.cart).toEqual([])
  })
})
