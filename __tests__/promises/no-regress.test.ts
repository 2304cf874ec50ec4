import { expect, it } from '@jest/globals'
import type { Express } from 'express'
import type { RopgAuth } from '../../lib/index.ts'
import {
  gate,
  inBothApps,
  keyOf,
  keyPrefix,
  logIn,
  logInAndExpire,
  openVault,
  refreshes,
  type Site,
  startSite,
  startTwin,
  storedTokens,
} from './support/site.ts'

declare module 'express-session' {
  interface SessionData {
    cart?: string
  }
}

/** `GET /slow` loads the session, waits at the gate, and then writes app data. */
function slowWriter() {
  const loaded = gate()
  const released = gate()
  const after = (app: Express, auth: RopgAuth) => {
    app.get('/slow', auth.session, auth.requireAuth, async (req, res) => {
      loaded.open()
      await released.opened
      req.session.cart = 'book'
      res.json({ cart: req.session.cart })
    })
    app.get('/cart', auth.session, auth.requireAuth, (req, res) => {
      res.json({ cart: req.session.cart ?? null })
    })
  }
  return { loaded, released, after }
}

const sealedTokens = async (site: Site, id: string) =>
  (await site.redis.hgetBuffer(await keyOf(site, { kind: 's', id }), 't'))?.toString('latin1')

inBothApps('the tokens of a session', () => {
  it('promise 2: are not changed by a request that starts before a refresh and writes the session after it', async () => {
    const { loaded, released, after } = slowWriter()
    const site = await startSite({ after })
    const { cookie, id } = await logInAndExpire(site)
    const slow = site.get('/slow', cookie)
    await loaded.opened
    await site.get('/token', cookie)
    const refreshed = await sealedTokens(site, id)

    released.open()
    expect((await slow).body).toEqual({ cart: 'book' })

    expect(await sealedTokens(site, id)).toBe(refreshed)
    expect((await site.get('/cart', cookie)).body).toEqual({ cart: 'book' })
    site.clock.advance(86_400)
    expect((await site.get('/token', cookie)).status).toBe(200)
    expect(site.emulator.refreshTokens.families()).toBe(1)
  })

  it('promise 2: are not changed by another process writing session data during a refresh', async () => {
    const { loaded, released, after } = slowWriter()
    const site = await startSite({ after })
    const twin = await startTwin(site)
    const { cookie, id } = await logInAndExpire(site)
    const refresh = site.emulator.hold({ grantType: 'refresh_token', after: true })
    const token = twin.get('/token', cookie)
    await refresh.arrived
    released.open()
    await site.get('/slow', cookie)
    await loaded.opened

    refresh.release()

    const { body } = await token
    expect((await site.get('/cart', cookie)).body).toEqual({ cart: 'book' })
    const { version, tokenSets, refreshToken } = (await storedTokens(site, id))!
    expect([version, tokenSets[0]!.accessToken]).toEqual([2, body.accessToken])
    expect(site.emulator.refreshTokens.isActive(refreshToken!)).toBe(true)
  })

  it('promise 2: are not changed by 20 concurrent writes of app data', async () => {
    const site = await startSite({
      after: (app, auth) => {
        app.get('/write/:key', auth.session, auth.requireAuth, (req, res) => {
          Object.assign(req.session, { [req.params.key]: 'written' })
          res.json({})
        })
      },
    })
    const { cookie, id } = await logInAndExpire(site)

    const writes = Array.from({ length: 20 }, (_, place) => site.get(`/write/key${place}`, cookie))
    const token = await site.get('/token', cookie)
    const statuses = (await Promise.all(writes)).map(({ status }) => status)

    expect(statuses).toEqual(Array(20).fill(200))
    const { version, tokenSets } = (await storedTokens(site, id))!
    expect([version, tokenSets[0]!.accessToken]).toEqual([2, token.body.accessToken])
  })

  it('promise 2: have an increasing version and a valid refresh token', async () => {
    const site = await startSite()
    const twin = await startTwin(site)
    const { cookie, id } = await logIn(site)
    const versions = [await sealedTokens(site, id)]

    for (const next of [twin, site, twin, site]) {
      site.clock.advance(86_400)
      expect((await next.get('/token', cookie)).status).toBe(200)
      versions.push(await sealedTokens(site, id))
    }

    expect(versions.map((value) => value!.split('.')[0])).toEqual(['1', '2', '3', '4', '5'])
    const sent = refreshes(site).map(({ params }) => params.refresh_token)
    expect(new Set(sent).size).toBe(4)
    expect(site.emulator.refreshTokens.isActive((await storedTokens(site, id))!.refreshToken!)).toBe(true)
  })

  it("promise 2: do not change the session's lifetime when refreshed", async () => {
    const site = await startSite()
    const { cookie, id } = await logInAndExpire(site)
    const key = await keyOf(site, { kind: 's', id })
    await site.redis.pexpire(key, 1_000_000)

    await site.get('/token', cookie)

    const left = await site.redis.pttl(key)
    expect(left).toBeLessThanOrEqual(1_000_000)
    expect(left).toBeGreaterThan(980_000)
  })

  it('promise 2: refuse a commit over an older version with a conflict', async () => {
    const site = await startSite()
    const { cookie, id } = await logInAndExpire(site)
    const vault = openVault(site, { prefix: await keyPrefix(site) })
    const old = (await storedTokens(site, id))!
    await site.get('/token', cookie)
    const held = await storedTokens(site, id)

    const late = await vault.commit(id, old.version, { ...old, refreshToken: 'spent' })

    expect(late).toBe('conflict')
    expect(await storedTokens(site, id)).toEqual(held)
    expect(held!.version).toBe(2)
  })

  it('promise 2: refuse a commit over an unknown version with a conflict, or with gone if there is no session', async () => {
    const site = await startSite()
    const { id } = await logIn(site)
    const vault = openVault(site, { prefix: await keyPrefix(site) })
    const tokens = (await storedTokens(site, id))!

    expect(await vault.commit(id, 7, tokens)).toBe('conflict')
    expect(await vault.commit('no such session', 1, tokens)).toBe('gone')
    expect(await vault.tokens('no such session')).toBeUndefined()
  })

  it('promise 2: contain nothing from the previous login after a new one', async () => {
    const site = await startSite()
    const first = await logIn(site)
    const before = (await storedTokens(site, first.id))!
    const body = { email: 'ada@example.com', password: 'correct horse battery staple', remember_me: true }

    const again = await site.send('POST', '/auth/login', { cookie: first.cookie, body })

    const cookie = again.headers.get('set-cookie')!.split(';')[0]!
    const id = /=s:([^.]+)\./.exec(decodeURIComponent(cookie))![1]!
    const now = (await storedTokens(site, id))!
    expect(id).not.toBe(first.id)
    expect(now.refreshToken).not.toBe(before.refreshToken)
    expect(now.tokenSets.map(({ accessToken }) => accessToken)).not.toContain(before.tokenSets[0]!.accessToken)
    expect(now.version).toBe(1)
    expect(await storedTokens(site, first.id)).toBeUndefined()
  })
})
