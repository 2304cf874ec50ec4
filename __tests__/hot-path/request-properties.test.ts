import { describe, expect, it } from '@jest/globals'
import type { Request, RequestHandler } from 'express'
import request from 'supertest'
import { ada, startApp } from '../support/app.ts'

const keysOf = (req: Request) => [Reflect.ownKeys(req), Reflect.ownKeys(req.res!)].flat()

/** Answers what the middleware before it has put on the request and its answer, since `before`. */
function tellAdded(touch?: (req: Request) => unknown): [before: RequestHandler, after: RequestHandler] {
  const seen = new WeakMap<Request, unknown[]>()
  return [
    (req, _res, next) => {
      seen.set(req, keysOf(req))
      next()
    },
    (req, res) => {
      touch?.(req)
      const added = keysOf(req).filter((key) => !seen.get(req)!.includes(key))
      res.json(added.map(String))
    },
  ]
}

// On Node 20 and 22 each costs as much as a hash of the session: V8 finds no hidden class for it.
describe('an authenticated request of Express', () => {
  it('gets one property, with a session that is read one more, and express-session adds what it must', async () => {
    const site = await startApp({
      after: (app, auth) => {
        const [before, after] = tellAdded()
        app.get('/untouched', before, auth.requireAuth, after)
        const [earlier, later] = tellAdded((req) => req.session)
        app.get('/read', earlier, auth.requireAuth, later)
        const [first, last] = tellAdded((req) => req.session.cookie)
        app.get('/awake', first, auth.requireAuth, last)
      },
    })
    const user = site.agent()
    await user.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)

    const untouched = await user.get('/untouched').expect(200)
    const read = await user.get('/read').expect(200)
    const awake = await user.get('/awake').expect(200)

    expect(untouched.body).toEqual(['Symbol(express-auth0-ropg)'])
    expect(read.body).toEqual(['session', 'Symbol(express-auth0-ropg)'])
    expect(awake.body).toEqual(['_parsedOriginalUrl', 'session', 'Symbol(express-auth0-ropg)', 'end', 'writeHead'])
  })
})

describe('req.auth', () => {
  it('is left to others where nobody asked for it', async () => {
    const { app } = await startApp({
      after: (app, auth) => {
        const token: RequestHandler = (req, _res, next) => {
          Object.assign(req, { auth: { sub: 'of a bearer token' } })
          next()
        }
        app.get('/bearer', token, (req, res) => {
          res.json(req.auth)
        })
        app.get('/bearer-and-session', token, auth.session, (req, res) => {
          res.json(req.auth)
        })
        app.get('/session-and-bearer', auth.session, token, (req, res) => {
          res.json(req.auth)
        })
        app.get('/nobody', auth.session, (req, res) => {
          res.json({ has: req.auth !== undefined })
        })
      },
    })
    // From here on the app's requests know the property.
    await request(app).get('/nobody').expect({ has: false })

    for (const path of ['/bearer', '/bearer-and-session', '/session-and-bearer']) {
      await request(app).get(path).expect(200, { sub: 'of a bearer token' })
    }
  })

  it('is set also where the app has given all its requests a property of that name', async () => {
    const site = await startApp({
      before: (app) => {
        Object.defineProperty(app.request, 'auth', { value: 'taken', writable: true, configurable: true })
      },
      after: (app, auth) => {
        app.get('/open', auth.session, (req, res) => {
          res.json({ auth: req.auth })
        })
      },
    })
    const user = site.agent()
    await user.get('/open').expect({ auth: 'taken' })
    await user.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)

    const { body } = await user.get('/me').expect(200)

    expect(body).toMatchObject({ user: { email: ada.email } })
  })
})
