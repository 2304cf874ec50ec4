import { describe, expect, it } from '@jest/globals'
import request from 'supertest'
import type { TestAppOptions } from '../../support/app.ts'
import { startRedis } from '../../support/redis-server.ts'
import { cookieOf, refusal } from '../../http/wire.ts'
import { asAda, fill, genuine, logIn, logOut, setCookies, startShop, subOf } from './shop.ts'

const start = (settings: TestAppOptions = {}) =>
  startShop({
    ...settings,
    after: (app, auth) => {
      app.get('/open', auth.optionalAuth, (req, res) => {
        res.json({ sub: req.auth?.sub ?? null })
      })
    },
  })

describe('optionalAuth', () => {
  it('sets req.auth for logged-in requests and lets all others pass without it', async () => {
    const shop = await start()
    const open = (cookie: string) => request(shop.app).get('/open').set('Cookie', cookie)
    const cookie = cookieOf(await logIn(shop, asAda).expect(200))
    const visitor = cookieOf(await fill(shop, 'book').expect(200))
    await open(cookie).expect(200, { sub: subOf(shop, asAda) })
    await logOut(shop, cookie).expect(200)
    for (const sent of ['', cookie, visitor, genuine('never-stored'), 'auth=garbage', 'auth=s%3Aforged.forged']) {
      const answer = await open(sent)
      expect([sent, answer.status, answer.body, setCookies(answer)]).toEqual([sent, 200, { sub: null }, []])
    }
  })

  it('answers 503 while Redis is down only to requests with a valid cookie', async () => {
    const redis = await startRedis()
    const shop = await start({ options: { redis: redis.url, timeouts: { redis: 200 } } })
    const open = (cookie: string) => request(shop.app).get('/open').set('Cookie', cookie)
    const cookie = cookieOf(await logIn(shop, asAda).expect(200))
    redis.pause()
    for (const sent of [cookie, genuine('never-stored'), `auth=garbage; ${cookie}`]) {
      const { status, body, headers } = await open(sent)
      expect([sent, status, body]).toEqual([sent, 503, refusal('session_unavailable')])
      expect([headers['retry-after'], headers['set-cookie']]).toEqual(['2', undefined])
    }
    for (const sent of ['', 'auth=garbage', 'auth=s%3Aforged.forged', 'other=1']) {
      await open(sent).expect(200, { sub: null })
    }
    redis.resume()
    await shop.auth.close()
    await redis.stop()
  })
})

describe('logout while Redis is down', () => {
  it.each(['route', 'auth.logout', 'req.auth.logout'] as const)(
    'answers 503 and still clears the cookie (%s)',
    async (way) => {
      const redis = await startRedis()
      const shop = await start({
        options: { redis: redis.url, timeouts: { redis: 200 } },
        before: (app, auth) => {
          app.post('/auth.logout', (req, res, next) => {
            auth.logout(req).then(() => res.json({}), next)
          })
          app.post('/req.auth.logout', auth.requireAuth, (req, res, next) => {
            redis.pause()
            req.auth.logout().then(() => res.json({}), next)
          })

          app.use(
            (
              err: { status: number },
              _req: unknown,
              res: { status(code: number): { json(body: object): void } },
              _next: unknown,
            ) => {
              res.status(err.status).json(err)
            },
          )
        },
      })
      const cookie = cookieOf(await logIn(shop, asAda).expect(200))
      if (way !== 'req.auth.logout') redis.pause()
      const path = way === 'route' ? '/auth/logout' : `/${way}`
      const answer = await request(shop.app).post(path).set('Cookie', cookie)
      expect([answer.status, answer.body]).toEqual([503, refusal('session_unavailable')])
      expect(setCookies(answer)).toEqual([expect.stringMatching(/^auth=; Path=\/; Expires=Thu, 01 Jan 1970/)])
      redis.resume()
      await shop.auth.close()
      await redis.stop()
    },
  )
})
