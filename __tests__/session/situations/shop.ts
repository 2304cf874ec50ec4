import { sign } from 'cookie-signature'
import type { Request } from 'express'
import request, { type Response } from 'supertest'
import { ada, secret, startApp, type TestApp, type TestAppOptions } from '../../support/app.ts'
import { keysUnder } from '../../http/wire.ts'

export const bob = { email: 'bob@example.com', password: 'a password of bob alone', name: 'Bob' }
export const users = [ada, bob]
export const asAda = { email: ada.email, password: ada.password }
export const asBob = { email: bob.email, password: bob.password }

/** An app with a cart in `req.session`: `GET /cart`, `POST /cart?item=book`. */
export function startShop(settings: TestAppOptions = {}): Promise<TestApp> {
  return startApp({
    emulator: { users },
    ...settings,
    before: (app, auth) => {
      app.get('/cart', auth.session, (req, res) => {
        res.json({ cart: cartOf(req), sub: req.auth?.sub ?? null })
      })
      app.post('/cart', auth.session, (req, res) => {
        Object.assign(req.session, { cart: [...cartOf(req), req.query.item] })
        res.json({})
      })
      settings.before?.(app, auth)
    },
  })
}

function cartOf({ session }: Request): unknown[] {
  return (Reflect.get(session, 'cart') ?? []) as unknown[]
}

export const me = ({ app }: TestApp, cookie: string) => request(app).get('/me').set('Cookie', cookie)
export const cart = ({ app }: TestApp, cookie: string) => request(app).get('/cart').set('Cookie', cookie)
export const fill = ({ app }: TestApp, item: string, cookie = '') =>
  request(app).post('/cart').query({ item }).set('Cookie', cookie)
export const logIn = ({ app }: TestApp, credentials: object, cookie = '') =>
  request(app).post('/auth/login').set('Cookie', cookie).send(credentials)
export const logOut = ({ app }: TestApp, cookie: string) => request(app).post('/auth/logout').set('Cookie', cookie)

export const subOf = ({ emulator }: TestApp, { email }: { email: string }) => emulator.users.get(email)!.sub

/** A cookie signed like the package's. */
export function genuine(id: string, name = 'auth'): string {
  return `${name}=${encodeURIComponent(`s:${sign(id, secret)}`)}`
}

export function setCookies({ headers }: Pick<Response, 'headers'>): string[] {
  return (headers['set-cookie'] ?? []) as unknown as string[]
}

export async function keyOf({ prefix }: TestApp, id: string): Promise<string> {
  const key = (await keysUnder(prefix)).find((known) => known.endsWith(`:s:${id}`))
  if (key === undefined) throw new Error('no such session in Redis')
  return key
}

/** Key of the user's list. */
export async function listKeyOf({ prefix }: TestApp): Promise<string> {
  const [key = '', ...more] = (await keysUnder(prefix)).filter((known) => known.includes(':u:'))
  if (more.length) throw new Error('there is more than one list')
  return key
}
