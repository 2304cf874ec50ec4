import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { RedisStore } from 'connect-redis'
import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express'
import session, { MemoryStore } from 'express-session'
import { Redis } from 'ioredis'
import request from 'supertest'
import { ConfigurationError, type RopgAuth } from '../../../lib/index.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { testRedisUrl, uniquePrefix } from '../../support/redis.ts'
import { asAda, asBob, setCookies, subOf, users } from './shop.ts'

interface OwnSession {
  middleware: RequestHandler
  /** Stored sessions as JSON. */
  stored: () => Promise<string[]>
  stop: () => unknown
}

const options = { name: 'own', secret: 'of the app itself', resave: false, saveUninitialized: false }

function inMemory(): OwnSession {
  const store = new MemoryStore()
  return {
    middleware: session({ ...options, store }),
    stored: async () => Object.values(Reflect.get(store, 'sessions') as Record<string, string>),
    stop: () => undefined,
  }
}

function inSameRedis(): OwnSession {
  const client = new Redis(testRedisUrl())
  const prefix = uniquePrefix('own')
  return {
    middleware: session({ ...options, store: new RedisStore({ client, prefix }) }),
    stored: async () => {
      const keys = await client.keys(`${prefix}*`)
      return (await Promise.all(keys.map((key) => client.get(key)))).map(String)
    },
    stop: () => client.disconnect(),
  }
}

/** Like cookie-session: no store, an accessor on the request, and data in the cookie. */
function inCookie(): OwnSession {
  return {
    middleware: (req, res, next) => {
      const sent = /(?:^|; )own=([^;]*)/.exec(req.headers.cookie ?? '')?.[1]
      let data = (sent === undefined ? {} : JSON.parse(Buffer.from(sent, 'base64url').toString())) as object | null
      const before = JSON.stringify(data)
      Object.defineProperty(req, 'session', {
        configurable: true,
        enumerable: true,
        get: () => data,
        set: (value: object | null) => (data = value),
      })
      const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => Response
      const send = (...args: unknown[]) => {
        const now = JSON.stringify(data ?? {})
        if (now !== before) res.append('Set-Cookie', `own=${Buffer.from(now).toString('base64url')}; Path=/`)
        return writeHead(...args)
      }
      res.writeHead = send as typeof res.writeHead
      next()
    },
    stored: async () => [],
    stop: () => undefined,
  }
}

/** How passport 0.7 uses a session. */
const passport = {
  user: (req: Request) => (Reflect.get(req.session, 'passport') as { user?: string } | undefined)?.user ?? null,
  logIn: (req: Request, user: string, done: (err?: unknown) => void) => {
    const { session: before } = req
    req.session.regenerate((err: unknown) => {
      if (err) {
        done(err)
        return
      }
      const { cookie: _cookie, ...data } = before
      Object.assign(req.session, data, { passport: { user } })
      req.session.save(done)
    })
  },
  logOut: (req: Request, done: (err?: unknown) => void) => {
    Object.assign(req.session, { passport: {} })
    req.session.save((err: unknown) => {
      if (err) {
        done(err)
        return
      }
      req.session.regenerate(done)
    })
  },
}

function ownRoutes(app: Express, auth: RopgAuth): void {
  app.post('/note', (req, res) => {
    Object.assign(req.session, { note: req.query.text })
    res.json({})
  })
  app.get('/both', auth.optionalAuth, (req, res) => {
    res.json({ sub: req.auth?.sub ?? null, note: Reflect.get(req.session, 'note') ?? null })
  })
}

function passportRoutes(app: Express, auth: RopgAuth): void {
  const answer = (res: Response, next: NextFunction) => (err?: unknown) => {
    if (err) next(err)
    else res.json({})
  }
  app.post('/passport/login', (req, res, next) => {
    passport.logIn(req, 'carol', answer(res, next))
  })
  app.post('/passport/logout', (req, res, next) => {
    passport.logOut(req, answer(res, next))
  })
  app.get('/passport', auth.optionalAuth, (req, res) => {
    res.json({ user: passport.user(req), sub: req.auth?.sub ?? null })
  })
}

const kinds: [string, () => OwnSession][] = [
  ['express-session in memory', inMemory],
  ['express-session through connect-redis on the same Redis', inSameRedis],
  ['cookie-session', inCookie],
]

describe.each(kinds)("findings 4: an app's own session (%s)", (kind, open) => {
  describe.each(['in front of', 'behind'] as const)('%s the router', (place) => {
    let own: OwnSession
    let site: TestApp
    let agent: ReturnType<TestApp['agent']>

    beforeEach(async () => {
      own = open()
      site = await startApp({
        emulator: { users },
        before: (app) => {
          if (place === 'in front of') app.use(own.middleware)
        },
        after: (app, auth) => {
          if (place === 'behind') app.use(own.middleware)
          ownRoutes(app, auth)
          passportRoutes(app, auth)
        },
      })
      agent = site.agent()
    })
    afterEach(() => {
      own.stop()
    })

    const both = async () => (await agent.get('/both').expect(200)).body as unknown
    const logIn = () => agent.post('/auth/login').send(asAda).expect(200)

    it('is neither regenerated nor destroyed and keeps its cookie at login and logout', async () => {
      await agent.post('/note?text=mine').expect(200)
      const before = await own.stored()
      const login = await logIn()
      expect(setCookies(login)).toEqual([expect.stringMatching(/^auth=s/)])
      expect(await own.stored()).toEqual(before)
      expect(await both()).toEqual({ sub: subOf(site, asAda), note: 'mine' })
      const logout = await agent.post('/auth/logout').expect(200)
      expect(setCookies(logout)).toEqual([expect.stringMatching(/^auth=;/)])
      expect(await own.stored()).toEqual(before)
      expect(await both()).toEqual({ sub: null, note: 'mine' })
    })

    it('is not created by a login and contains nothing of it', async () => {
      await logIn()
      await agent.get('/me').expect(200)
      expect(await own.stored()).toEqual([])
      await agent.post('/note?text=mine').expect(200)
      expect((await own.stored()).join()).not.toMatch(/ropg|auth0/)
    })

    it('can be written concurrently with the login session', async () => {
      await logIn()
      for (const note of ['one', 'two']) {
        const answer = await agent.post('/note').query({ text: note }).expect(200)
        expect(setCookies(answer).filter((cookie) => cookie.startsWith('auth='))).toEqual([])
        expect(await both()).toEqual({ sub: subOf(site, asAda), note })
      }
    })

    it('does not keep a login alive that was revoked or ended by another browser', async () => {
      await agent.post('/note?text=mine').expect(200)
      await logIn()
      const other = site.agent()
      await other.post('/auth/login').send(asAda).expect(200)
      await other.delete('/auth/sessions').expect(204)
      await agent.get('/me').expect(401)
      expect(await both()).toEqual({ sub: null, note: 'mine' })
      await other.get('/me').expect(200)
      expect(await site.auth.sessions.revokeAll(subOf(site, asAda))).toBe(1)
      await other.get('/me').expect(401)
    })

    if (kind === 'cookie-session') return

    it('can contain a passport login, and neither login ends the other', async () => {
      const state = async () => (await agent.get('/passport').expect(200)).body as unknown
      const sub = subOf(site, asAda)
      await agent.post('/passport/login').expect(200)
      await logIn()
      expect(await state()).toEqual({ user: 'carol', sub })
      await agent.post('/passport/logout').expect(200)
      expect(await state()).toEqual({ user: null, sub })
      await agent.post('/passport/login').expect(200)
      expect(await state()).toEqual({ user: 'carol', sub })
      await agent.post('/auth/logout').expect(200)
      expect(await state()).toEqual({ user: 'carol', sub: null })
      await logIn()
      await agent.post('/auth/login').send(asBob).expect(200)
      expect(await state()).toEqual({ user: 'carol', sub: subOf(site, asBob) })
    })
  })

  it('before auth.session causes an error that says what to remove', async () => {
    const own = open()
    const site = await startApp()
    const app = express()
    const errors: unknown[] = []
    app.use(own.middleware, site.auth.session)
    app.get('/', (_req, res) => void res.end('never'))

    app.use((err: unknown, _req: Request, res: Response, _next: NextFunction) => {
      errors.push(err)
      res.status(500).end()
    })
    await request(app).get('/').expect(500)
    expect(errors).toEqual([expect.any(ConfigurationError)])
    expect((errors[0] as Error).message).toMatch(/req\.session.*remove\s+auth\.session.*or remove that middleware/)
    own.stop()
  })
})

describe('auth.session', () => {
  it('does nothing the second time if mounted twice', async () => {
    const site = await startApp({
      before: (app, auth) => {
        app.use(auth.session, auth.session)
        app.get('/count', auth.session, (req, res) => {
          const count = Number(Reflect.get(req.session, 'count') ?? 0) + 1
          Object.assign(req.session, { count })
          res.json({ count })
        })
      },
    })
    const agent = site.agent()
    await agent.get('/count').expect(200, { count: 1 })
    await agent.get('/count').expect(200, { count: 2 })
  })

  it("rejects another instance's session", async () => {
    const [one, two] = [await startApp(), await startApp()]
    const app = express()
    app.use(one.auth.session, two.auth.session)

    app.use((err: Error, _req: Request, res: Response, _next: NextFunction) => void res.status(500).end(err.name))
    expect((await request(app).get('/').expect(500)).text).toBe('ConfigurationError')
  })
})
