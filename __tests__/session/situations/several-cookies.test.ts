import { beforeEach, describe, expect, it } from '@jest/globals'
import request from 'supertest'
import type { TestApp } from '../../support/app.ts'
import { cookieOf, gate, openRedis, sessionIdOf } from '../../http/wire.ts'
import { asAda, asBob, cart, fill, genuine, keyOf, logIn, logOut, me, setCookies, startShop, subOf } from './shop.ts'

describe('findings 1: several cookies with our name', () => {
  const garbage = ['auth=garbage', 'auth=', 'auth=s%3Aforged.forged', 'auth=%', 'authother=x', 'auth="quoted"']
  let shop: TestApp
  let adas: string
  let bobs: string
  let dead: string

  beforeEach(async () => {
    shop = await startShop()
    adas = cookieOf(await logIn(shop, asAda).expect(200))
    bobs = cookieOf(await logIn(shop, asBob).expect(200))
    dead = cookieOf(await logIn(shop, asBob).expect(200))
    await logOut(shop, dead).expect(200)
    await fill(shop, 'book', adas).expect(200)
  })

  const asked = async (...cookies: string[]) => {
    const header = cookies.join('; ')
    const [guarded, mounted] = [await me(shop, header), await cart(shop, header)]
    for (const answer of [guarded, mounted]) expect(setCookies(answer)).toEqual([])
    return [guarded.body.sub ?? guarded.body.error, mounted.body.sub, mounted.body.cart] as unknown[]
  }
  const asAdas = () => [subOf(shop, asAda), subOf(shop, asAda), ['book']]
  const asBobs = () => [subOf(shop, asBob), subOf(shop, asBob), []]

  it.each(garbage)('uses the valid one before and after %s', async (planted) => {
    expect(await asked(planted, adas)).toEqual(asAdas())
    expect(await asked(adas, planted)).toEqual(asAdas())
  })

  it('uses the one with a live session, in any position', async () => {
    expect(await asked(dead, adas)).toEqual(asAdas())
    expect(await asked(adas, dead)).toEqual(asAdas())
    expect(await asked(genuine('never-stored'), dead, ...garbage, adas)).toEqual(asAdas())
  })

  it('uses the first of two live ones', async () => {
    expect(await asked(adas, bobs)).toEqual(asAdas())
    expect(await asked(bobs, adas)).toEqual(asBobs())
    expect(await asked(dead, bobs, adas)).toEqual(asBobs())
  })

  it('skips one without a login', async () => {
    const redis = openRedis()
    const stolen = await redis.hgetallBuffer(await keyOf(shop, sessionIdOf(adas)))
    await redis.hset(await keyOf(shop, sessionIdOf(bobs)), stolen)
    expect(await asked(bobs, adas)).toEqual(asAdas())
  })

  it('answers as for an ended session if none is live, and as for no session if none is valid', async () => {
    expect(await asked(garbage[0]!, dead)).toEqual(['session_expired', null, []])
    expect(await asked(...garbage)).toEqual(['unauthenticated', null, []])
  })

  it('writes data to the session in use', async () => {
    await fill(shop, 'pen', `${garbage[0]!}; ${dead}; ${adas}; ${bobs}`).expect(200)
    expect((await cart(shop, adas)).body.cart).toEqual(['book', 'pen'])
    expect((await cart(shop, bobs)).body.cart).toEqual([])
  })

  it('ends the sessions of all valid ones at logout', async () => {
    const answer = await logOut(shop, [garbage[0], dead, adas, bobs].join('; ')).expect(200)
    expect(setCookies(answer)).toHaveLength(1)
    for (const cookie of [adas, bobs]) await me(shop, cookie).expect(401)
    const ended = shop.events.filter(({ name }) => name === 'logout').map(({ sub }) => sub)
    expect(ended.slice(1).sort()).toEqual([subOf(shop, asAda), subOf(shop, asBob)].sort())
  })

  it('ends the sessions of all valid ones at login', async () => {
    const fresh = cookieOf(await logIn(shop, asAda, `${bobs}; ${adas}`).expect(200))
    for (const cookie of [adas, bobs]) await me(shop, cookie).expect(401)
    await me(shop, fresh).expect(200)
  })
})

describe('the cookie', () => {
  it('is set only by a login, of any kind', async () => {
    const shop = await startShop({
      after: (app, auth) => {
        app.post('/own', auth.session, (req, res, next) => {
          auth.login(req, asAda).then(() => res.json({}), next)
        })
        app.get('/open', auth.optionalAuth, (_req, res) => void res.end())
      },
    })
    const cookie = cookieOf(await logIn(shop, asAda).expect(200))
    cookieOf(await request(shop.app).post('/own').expect(200))
    for (const sent of ['', cookie, genuine('never-stored'), 'auth=garbage']) {
      for (const path of ['/me', '/open', '/cart', '/auth/user', '/auth/sessions', '/nowhere']) {
        const answer = await request(shop.app).get(path).set('Cookie', sent)
        expect([sent, path, setCookies(answer)]).toEqual([sent, path, []])
      }
      for (const refused of [{ ...asAda, password: 'wrong' }, {}]) {
        expect(setCookies(await logIn(shop, refused, sent))).toEqual([])
      }
    }
  })

  it("is set only by a visitor's first write", async () => {
    const shop = await startShop()
    const first = await fill(shop, 'book').expect(200)
    const cookie = cookieOf(first)
    expect(setCookies(await fill(shop, 'pen', cookie).expect(200))).toEqual([])
    const { headers, body } = await cart(shop, cookie).expect(200)
    expect([setCookies({ headers }), body.cart]).toEqual([[], ['book', 'pen']])
  })

  it("is cleared only by a logout, so a late 401 keeps a newer login's cookie", async () => {
    const inside = gate()
    const held = gate()
    const shop = await startShop({
      after: (app, auth) => {
        app.get(
          '/slow',
          async (_req, _res, next) => {
            inside.open()
            await held.opened
            next()
          },
          auth.requireAuth,
          (_req, res) => void res.end(),
        )
      },
    })
    const old = cookieOf(await logIn(shop, asAda).expect(200))
    const slow = request(shop.app).get('/slow').set('Cookie', old).then()
    await inside.opened
    const fresh = cookieOf(await logIn(shop, asAda, old).expect(200))
    held.open()
    const late = await slow
    expect([late.status, setCookies(late)]).toEqual([401, []])
    await me(shop, fresh).expect(200)
    const bye = await logOut(shop, fresh).expect(200)
    expect(setCookies(bye)).toEqual([expect.stringMatching(/^auth=; Path=\/; Expires=Thu, 01 Jan 1970/)])
  })
})
