import { expect, it } from '@jest/globals'
import { decodeJwt } from 'jose'
import { type EmulatorUser, startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada } from '../support/app.ts'
import { endWithTest, logIn, refreshes, type Site, type SiteSettings, inBothApps, startSite } from './support/site.ts'

const API = 'https://api.example.com'
const SIGNED_ID = /^s%3A[\w-]{32}\.[A-Za-z0-9%]{40,}$/

/** Parses a login's `Set-Cookie` into value and attributes. */
async function loginCookie(site: Site, { body = {}, https = false }: { body?: object; https?: boolean } = {}) {
  const headers = { 'content-type': 'application/json', ...(https && { 'x-forwarded-proto': 'https' }) }
  const sent = JSON.stringify({ email: ada.email, password: ada.password, ...body })
  const response = await fetch(`${site.url}/auth/login`, { method: 'POST', headers, body: sent })
  expect(response.status).toBe(200)
  const cookies = response.headers.getSetCookie()
  expect(cookies).toHaveLength(1)
  const [pair = '', ...attributes] = cookies[0]!.split('; ')
  const [name, value = ''] = pair.split('=')
  return { name, value, attributes, header: pair }
}

/** An app built with NODE_ENV=production behind a proxy that terminates TLS. */
async function startInProduction(options: SiteSettings['options'] = {}): Promise<Site> {
  const emulator = await startAuth0Emulator()
  endWithTest(() => emulator.close())
  const usual = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  try {
    return await startSite({ emulator, options, before: (app) => void app.set('trust proxy', 1) })
  } finally {
    process.env.NODE_ENV = usual
  }
}

inBothApps('the cookie', () => {
  it('promise 9: of a login over HTTP is an opaque, HttpOnly, SameSite=Lax session cookie', async () => {
    const site = await startSite()

    const { name, value, attributes } = await loginCookie(site)

    expect(name).toBe('auth')
    expect(value).toMatch(SIGNED_ID)
    expect(attributes).toEqual(['Path=/', 'HttpOnly', 'SameSite=Lax'])
  })

  it('promise 9: of a login over HTTPS is Secure', async () => {
    const site = await startSite({ before: (app) => void app.set('trust proxy', 1) })

    const { attributes } = await loginCookie(site, { https: true })

    expect(attributes).toEqual(['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax'])
  })

  it('promise 9: with remember_me lasts as long as the session can', async () => {
    const site = await startSite()

    const { attributes } = await loginCookie(site, { body: { remember_me: true } })

    const expires = attributes.find((attribute) => attribute.startsWith('Expires='))!
    expect(attributes.filter((attribute) => attribute !== expires)).toEqual(['Path=/', 'HttpOnly', 'SameSite=Lax'])
    const days = (Date.parse(expires.slice('Expires='.length)) - Date.now()) / 86_400_000
    expect(Math.abs(days - 30)).toBeLessThan(0.001)
  })

  it('promise 9: in production is __Host-auth and always Secure', async () => {
    const site = await startInProduction()

    const { name, value, attributes, header } = await loginCookie(site, { https: true })

    expect(name).toBe('__Host-auth')
    expect(value).toMatch(SIGNED_ID)
    expect(attributes).toEqual(['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax'])
    expect((await site.get('/me', header)).status).toBe(200)
  })

  it('promise 9: in production is cleared with the attributes it was set with', async () => {
    const site = await startInProduction()
    const { header } = await loginCookie(site, { https: true })

    const headers = { cookie: header, 'x-forwarded-proto': 'https' }
    const response = await fetch(`${site.url}/auth/logout`, { method: 'POST', headers })

    expect(response.status).toBe(200)
    expect(response.headers.getSetCookie()).toEqual([
      '__Host-auth=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax',
    ])
  })

  it('promise 9: in production is not sent over HTTP', async () => {
    const site = await startInProduction({ requireHttps: false })
    const sent = { body: { email: ada.email, password: ada.password } }

    const { status, body, headers } = await site.send('POST', '/auth/login', sent)

    expect([status, body.error]).toEqual([400, 'https_required'])
    expect(headers.get('set-cookie')).toBeNull()
  })

  it('promise 9: reveals nothing about the user and stays small with 30 KB of claims', async () => {
    const claims = { 'https://example.com/roles': 'r'.repeat(30_000) }
    const site = await startSite({ emulator: { users: [{ ...ada, claims }] } })

    const { value, header, attributes } = await loginCookie(site, { body: { remember_me: true } })

    expect([header, ...attributes].join('; ').length).toBeLessThan(256)
    const decoded = Buffer.from(decodeURIComponent(value).slice(2).split('.')[0]!, 'base64').toString('latin1')
    // Random letters occasionally contain a short name.
    expect(decodeURIComponent(value) + decoded).not.toMatch(/ada@|lovelace|example|auth0/i)
  })

  it('promise 9: contains a new id after each login', async () => {
    const site = await startSite()

    const logins = await Promise.all(Array.from({ length: 20 }, () => logIn(site)))

    expect(new Set(logins.map(({ id }) => id)).size).toBe(20)
  })

  it.each([
    ['the bare id', (id: string) => `auth=${id}`],
    ['a signature of nothing', (id: string) => `auth=${encodeURIComponent(`s:${id}.`)}`],
    ['a wrong signature', (id: string) => `auth=${encodeURIComponent(`s:${id}.${'A'.repeat(43)}`)}`],
  ])('promise 9: with %s of a live session gives no access', async (_name, forge) => {
    const site = await startSite()
    const { id } = await logIn(site)

    expect((await site.get('/me', forge(id))).status).toBe(401)
  })

  it('promise 9: with the signature of another session gives no access', async () => {
    const site = await startSite()
    const [one, two] = [await logIn(site), await logIn(site)]
    const [, signature] = decodeURIComponent(two.cookie).split('.')

    const { status } = await site.get('/me', `auth=${encodeURIComponent(`s:${one.id}.${signature}`)}`)

    expect(status).toBe(401)
  })
})

inBothApps('concurrent users', () => {
  const users = Array.from({ length: 20 }, (_, place): EmulatorUser => {
    const name = `User ${place}`
    return { email: `user${place}@example.com`, password: `password of user ${place}`, name }
  })

  it('promise 9: never see each other while 20 of them log in, send requests, refresh, and log in again', async () => {
    const site = await startSite({ emulator: { users, accessTokenTtl: 31 }, options: { audience: API } })

    const live = async ({ email, password, name }: EmulatorUser) => {
      const { sub } = site.emulator.users.get(email)!
      for (let round = 0; round < 2; round++) {
        const { cookie, answer } = await logIn(site, { email, password })
        expect(answer.body.user).toEqual({ id: sub, email, name })
        for (const path of ['/me', '/token', '/me', '/token']) {
          const { status, body } = await site.get(path, cookie)
          expect(status).toBe(200)
          expect(path === '/me' ? body.sub : decodeJwt(body.accessToken).sub).toBe(sub)
          // Includes the others' sessions, because all of them refresh at about the same time.
          site.clock.advance(0.1)
        }
        const { body } = await site.get('/auth/sessions', cookie)
        expect(body.sessions).toHaveLength(round + 1)
      }
    }
    await Promise.all(users.map(live))

    expect(refreshes(site).length).toBeGreaterThan(users.length)
  })

  it('promise 9: keep their own data when two sessions are written concurrently', async () => {
    const site = await startSite({
      emulator: { users },
      after: (app, auth) => {
        app.get('/keep/:word', auth.session, auth.requireAuth, (req, res) => {
          Object.assign(req.session, { word: req.params.word })
          res.json({})
        })
        app.get('/word', auth.session, auth.requireAuth, (req, res) => {
          res.json({ word: Reflect.get(req.session, 'word') as unknown, email: req.auth.user.email })
        })
      },
    })
    const logins = await Promise.all(users.map(({ email, password }) => logIn(site, { email, password })))

    await Promise.all(logins.map(({ cookie }, place) => site.get(`/keep/word${place}`, cookie)))
    const words = await Promise.all(logins.map(({ cookie }) => site.get('/word', cookie)))

    expect(words.map(({ body }) => body)).toEqual(users.map(({ email }, place) => ({ word: `word${place}`, email })))
  })
})
