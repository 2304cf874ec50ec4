import { describe, expect, it } from '@jest/globals'
import { createServer } from 'node:http'
import express, { type Request, type RequestHandler, type Response } from 'express'
import request from 'supertest'
import { cookieOf } from '../http/wire.ts'
import { ada, startApp } from '../support/app.ts'

declare module 'express-session' {
  interface SessionData {
    note?: string
  }
}

interface Case {
  remember?: boolean
  /** Stands before the session. */
  before?: RequestHandler
  handler: (req: Request, res: Response) => unknown
}

/** What a handler of a new app answers to a session with the note `old`, and the note that is stored afterwards. */
async function run({ remember = false, before = pass, handler }: Case) {
  const { app, auth, ...site } = await startApp({
    after: (app, auth) => {
      app.get('/note', auth.session, (req, res) => {
        if (typeof req.query.set === 'string') req.session.note = req.query.set
        res.json(req.session.note ?? null)
      })
    },
  })
  const cookie = cookieOf(await site.login({ ...ada, remember_me: remember }).expect(200))
  const note = (query = '') => request(app).get(`/note${query}`).set('Cookie', cookie).expect(200)
  await note('?set=old')
  const own = express().get('/own', before, auth.session, async (req, res) => {
    await handler(req, res)
    if (!res.writableEnded) res.end()
  })
  const answer = await request(own).get('/own').set('Cookie', cookie).expect(200)
  return { setsCookie: 'set-cookie' in answer.headers, text: answer.text, note: (await note()).body as unknown }
}

const pass: RequestHandler = (_req, _res, next) => {
  next()
}

const called = (session: Request['session'], method: 'save' | 'reload') =>
  new Promise<void>((resolve) => {
    session[method](() => {
      resolve()
    })
  })

// Express-session runs for it only when it must: nothing of what it would have done may be missing.
describe('a session that is given out before express-session has run', () => {
  it('is left alone where it is only read', async () => {
    const handler = (req: Request, res: Response) => res.write(req.session.note)

    expect(await run({ handler })).toEqual({ setsCookie: false, text: 'old', note: 'old' })
    expect(await run({ handler, remember: true })).toEqual({ setsCookie: false, text: 'old', note: 'old' })
  })

  it.each([
    ['as it ends', (res: Response) => res.end('text')],
    ['after its headers', (res: Response) => res.write('te') && res.end('xt')],
  ])(
    'stores what is changed, and sends a remembered cookie anew, when an answer goes out %s',
    async (_name, answer) => {
      const handler = (req: Request, res: Response) => {
        req.session.note = 'new'
        answer(res)
      }

      expect(await run({ handler })).toEqual({ setsCookie: false, text: 'text', note: 'new' })
      expect(await run({ handler, remember: true })).toEqual({ setsCookie: true, text: 'text', note: 'new' })
    },
  )

  it('stores what is changed when the headers are gone', async () => {
    const handler = (req: Request, res: Response) => {
      res.write(req.session.note)
      req.session.note = 'new'
    }

    expect(await run({ handler })).toEqual({ setsCookie: false, text: 'old', note: 'new' })
    expect(await run({ handler, remember: true })).toEqual({ setsCookie: false, text: 'old', note: 'new' })
  })

  it('stores what is as it was again after another save', async () => {
    const handler = async (req: Request) => {
      req.session.note = 'new'
      await called(req.session, 'save')
      req.session.note = 'old'
    }

    expect(await run({ handler })).toMatchObject({ note: 'old' })
  })

  it('stores what is as it was again after it was read once more and saved', async () => {
    const handler = async (req: Request) => {
      await called(req.session, 'reload')
      req.session.note = 'new'
      await called(req.session, 'save')
      req.session.note = 'old'
    }

    expect(await run({ handler })).toMatchObject({ note: 'old' })
  })

  it('gives a cookie that outlives the browser to whoever asks for one', async () => {
    const handler = (req: Request) => {
      req.session.cookie.maxAge = 60_000
      req.session.note = 'new'
    }

    expect(await run({ handler })).toMatchObject({ setsCookie: true, note: 'new' })
  })

  it('does not come back when it was dropped, and somebody looks at its cookie', async () => {
    const handler = (req: Request, res: Response) => {
      const { session } = req
      Reflect.deleteProperty(req, 'session')
      session.note = 'new'
      res.write(`${session.cookie.path} ${typeof req.session}`)
    }

    expect(await run({ handler })).toEqual({ setsCookie: false, text: '/ undefined', note: 'old' })
  })

  it('can be wrapped in a proxy, and saved through it', async () => {
    const handler = async (req: Request, res: Response) => {
      req.session = new Proxy(req.session, {})
      req.session.note = 'new'
      await called(req.session, 'save')
      res.write(req.session.cookie.path)
    }

    expect(await run({ handler })).toMatchObject({ text: '/', note: 'new' })
  })

  it.each(['end', 'writeHead'] as const)('stores what is changed where somebody held %s before', async (name) => {
    const before: RequestHandler = (_req, res, next) => {
      const original = res[name].bind(res) as (...args: unknown[]) => Response
      Object.assign(res, { [name]: (...args: unknown[]) => original(...args) })
      next()
    }
    const handler = (req: Request, res: Response) => {
      req.session.note = 'new'
      res.write('text')
    }

    expect(await run({ handler, before })).toEqual({ setsCookie: false, text: 'text', note: 'new' })
    expect(await run({ handler, before, remember: true })).toEqual({ setsCookie: true, text: 'text', note: 'new' })
  })

  it('leaves to a middleware that came later what it does to the body', async () => {
    const handler = (req: Request, res: Response) => {
      req.session.note = 'new'
      const write = res.write.bind(res) as (chunk: string) => boolean
      Object.assign(res, { write: (chunk: string) => write(chunk.toUpperCase()) })
      res.write('one ')
      res.write('two')
    }

    expect(await run({ handler, remember: true })).toEqual({ setsCookie: true, text: 'ONE TWO', note: 'new' })
  })
})

describe('a session whose request is handed on', () => {
  const add = (req: Request) => (req.session.note = `${req.session.note ?? ''}+`)

  it.each([false, true])(
    'is stored where its cookie has been taken off the request (remembered: %s)',
    async (remember) => {
      const handler = (req: Request, res: Response) => {
        add(req)
        delete req.headers.cookie
        res.json('cookie' in req.headers)
      }
      const saves = async (req: Request, res: Response) => {
        await called(req.session, 'reload')
        handler(req, res)
        await called(req.session, 'save')
      }

      expect(await run({ handler, remember })).toEqual({ setsCookie: remember, text: 'false', note: 'old+' })
      expect(await run({ handler: saves, remember })).toMatchObject({ text: 'false', note: 'old+' })
    },
  )

  it('is a session still, and stored, in an app that is called and not mounted', async () => {
    const inner = express().get('/own', (req, res) => {
      add(req)
      res.json([typeof req.session.regenerate, typeof req.sessionID, typeof req.sessionStore.get])
    })
    const handOn = (req: Request, res: Response) =>
      new Promise<void>((resolve) => {
        res.on('finish', resolve)
        inner(req, res)
      })
    const afterALook = (req: Request, res: Response) => {
      add(req)
      return handOn(req, res)
    }
    const text = '["function","string","function"]'

    expect(await run({ handler: handOn })).toEqual({ setsCookie: false, text, note: 'old+' })
    expect(await run({ handler: afterALook, remember: true })).toEqual({ setsCookie: true, text, note: 'old++' })
  })

  it('is stored where a request that inherits it changes it', async () => {
    const handler = (req: Request) => {
      add(Object.create(req) as Request)
    }

    expect(await run({ handler })).toMatchObject({ note: 'old+' })
  })

  it('is stored, and the body whole, where a plain server has its end and write replaced before', async () => {
    const { auth, ...site } = await startApp()
    const server = createServer((req, res) => {
      const [end, write] = [res.end.bind(res), res.write.bind(res)] as unknown as ((chunk: string) => unknown)[]
      const upper = (chunk: string | Buffer = '') => chunk.toString().toUpperCase()
      Object.assign(res, {
        end: (chunk?: string) => end!(upper(chunk)),
        write: (chunk: string) => write!(upper(chunk)),
      })
      auth.session(req as Request, res as Response, () => {
        res.end(`text${add(req as Request)}`)
      })
    })
    const cookie = cookieOf(await site.login().expect(200))

    await request(server).get('/').set('Cookie', cookie).expect(200, 'TEXT+')
    await request(server).get('/').set('Cookie', cookie).expect(200, 'TEXT++')
  })
})

describe('a session that begins in the argument of res.writeHead', () => {
  it('gets its cookie', async () => {
    const { app } = await startApp({
      before: (app, auth) => {
        app.get('/own', auth.session, (req, res) => {
          res.writeHead(200, { 'x-note': (req.session.note = 'new') }).end()
        })
      },
    })

    const answer = await request(app).get('/own').expect(200)

    expect(answer.headers['x-note']).toBe('new')
    expect(answer.headers).toHaveProperty('set-cookie')
  })
})
