import { describe, expect, it, jest } from '@jest/globals'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import express4 from 'express4'
import { Redis } from 'ioredis'
import request from 'supertest'
import { AuthError, type RopgAuth } from '../../../lib/index.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { cookieOf, listen } from '../../http/wire.ts'
import { asAda, asBob, subOf, users } from './shop.ts'

/** Calls an app without mounting it, like vhost. */
const called = (app: unknown) => (req: Request, res: Response, next: NextFunction) => {
  ;(app as (req: Request, res: Response, next: NextFunction) => void)(req, res, next)
}

/** Routes of an app that is unaware of the outer app. */
function inner(app: Express, auth: RopgAuth): Express {
  app.use('/inner/auth', auth.router)
  app.get('/inner/me', auth.requireAuth, (req, res) => {
    res.json({ sub: req.auth.sub })
  })
  app.get('/inner/visits', auth.session, (req, res) => {
    const visits = (req.session.visits ?? 0) + 1
    Object.assign(req.session, { visits })
    res.json({ visits, sub: req.auth?.sub ?? null })
  })
  return app
}

describe.each([
  ['of Express 4 in one of Express 5', express, () => express4() as unknown as Express],
  ['of Express 5 in one of Express 4', () => express4() as unknown as Express, express],
  ['of Express 5 in one of Express 5', express, express],
])('findings 3: an app %s that is called instead of mounted', (_name, outside, inside) => {
  async function start() {
    const site = await startApp({ emulator: { users } })
    const outer = outside()
    outer.get('/outer/me', site.auth.requireAuth, (req, res) => {
      res.json({ sub: req.auth.sub })
    })
    outer.use('/guarded', site.auth.requireAuth, called(inner(inside(), site.auth)))
    outer.use(called(inner(inside(), site.auth)))
    return { ...site, app: outer }
  }

  it('has req.auth, the routes, and req.session if auth.session is mounted', async () => {
    const { app, ...site } = await start()
    const sub = subOf({ ...site, app }, asAda)
    const cookie = cookieOf(await request(app).post('/inner/auth/login').send(asAda).expect(200))
    const get = (path: string) => request(app).get(path).set('Cookie', cookie)
    await get('/inner/me').expect(200, { sub })
    await get('/outer/me').expect(200, { sub })
    await get('/guarded/inner/me').expect(200, { sub })
    await get('/inner/visits').expect(200, { visits: 1, sub })
    await get('/inner/visits').expect(200, { visits: 2, sub })
    await get('/inner/auth/user').expect(200)
    await request(app).get('/inner/me').expect(401)
    await request(app).post('/inner/auth/logout').set('Cookie', cookie).expect(200)
    await get('/inner/me').expect(401)
  })
})

describe('a redispatched request', () => {
  async function start() {
    const site = await startApp({
      emulator: { users },
      before: (app, auth) => {
        inner(app, auth)
        const again = (path: string) => (req: Request, res: Response) => {
          req.url = path
          ;(app as unknown as (req: Request, res: Response) => void)(req, res)
        }
        app.get('/again', again('/inner/me'))
        app.get('/guarded-again', auth.requireAuth, again('/inner/me'))
        app.get('/session-again', auth.session, again('/inner/visits'))
        app.get('/all-again', auth.requireAuth, auth.session, again('/again'))
        app.get('/next', auth.optionalAuth, (req, _res, next) => {
          req.url = '/inner/me'
          next()
        })
        inner(app, auth)
      },
    })
    const cookie = cookieOf(await request(site.app).post('/inner/auth/login').send(asAda).expect(200))
    return { site, cookie, sub: subOf(site, asAda) }
  }

  it('is answered once for its user and reads the session once for all guards', async () => {
    const { site, cookie, sub } = await start()
    await request(site.app).get('/inner/me').set('Cookie', cookie).expect(200)
    for (const path of ['/again', '/guarded-again', '/next']) {
      const spy = jest.spyOn(Redis.prototype, 'sendCommand')
      await request(site.app).get(path).set('Cookie', cookie).expect(200, { sub })
      const reads = spy.mock.calls.map(([{ name }]) => name)
      spy.mockRestore()
      expect([path, reads]).toEqual([path, ['hmget']])
      await request(site.app).get(path).expect(401)
    }
    await request(site.app).get('/all-again').set('Cookie', cookie).expect(200, { sub })
  })

  it('passes through auth.session and writes the session once', async () => {
    const { site, cookie, sub } = await start()
    for (const visits of [1, 2]) {
      await request(site.app).get('/session-again').set('Cookie', cookie).expect(200, { visits, sub })
    }
  })
})

const noResponse = {} as unknown as Response

describe('a request derived from another (Object.create)', () => {
  /** Responds with what `act` returns for a request derived from the client's. */
  function deriving(act: (derived: Request, done: (found: unknown) => void) => void) {
    return (req: Request, res: Response) => {
      const derived = Object.create(req) as Request
      act(derived, (found) => res.json({ found: found ?? null, onOriginal: Object.hasOwn(req, 'auth') }))
    }
  }

  async function start(): Promise<TestApp> {
    return startApp({
      emulator: { users },
      before: (app, auth) => {
        app.get(
          '/derived',
          deriving((derived, done) => {
            auth.requireAuth(derived, noResponse, (err?: unknown) => {
              done(err instanceof AuthError ? err.code : derived.auth?.sub)
            })
          }),
        )
        app.get(
          '/authenticated',
          deriving((derived, done) => void auth.authenticate(derived).then((found) => done(found?.sub))),
        )
        app.get(
          '/behind',
          auth.requireAuth,
          deriving((derived, done) => {
            auth.requireAuth(derived, noResponse, () => {
              done(derived.auth?.sub)
            })
          }),
        )
      },
    })
  }

  it('has its own req.auth', async () => {
    const site = await start()
    const cookie = cookieOf(await site.login().expect(200))
    const sub = subOf(site, asAda)
    const get = (path: string) => request(site.app).get(path).set('Cookie', cookie)
    await get('/derived').expect(200, { found: sub, onOriginal: false })
    await get('/authenticated').expect(200, { found: sub, onOriginal: false })
    await get('/behind').expect(200, { found: sub, onOriginal: true })
    await request(site.app).get('/derived').expect(200, { found: 'unauthenticated', onOriginal: false })
  })

  it('answers its own client among many concurrent requests', async () => {
    const site = await start()
    const { url } = await listen(site.app)
    const cookies = [cookieOf(await site.login(asAda).expect(200)), cookieOf(await site.login(asBob).expect(200))]
    const subs = [subOf(site, asAda), subOf(site, asBob)]
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        request(url)
          .get('/derived')
          .set('Cookie', cookies[index % 2]!),
      ),
    )
    expect(answers.map(({ body }) => body.found as string)).toEqual(answers.map((_, index) => subs[index % 2]))
  })
})
