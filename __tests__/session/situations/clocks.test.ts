import { describe, expect, it } from '@jest/globals'
import request from 'supertest'
import { signIn } from '../../../lib/testing/index.ts'
import { startApp, type TestApp, type TestAppOptions } from '../../support/app.ts'
import { cookieOf, openRedis, sessionIdOf } from '../../http/wire.ts'
import { asAda, cart, fill, keyOf, logIn, logOut, me, startShop, subOf } from './shop.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** A process whose wall clock is off, on the same site as the others by default. */
const startOff = (ms: number, of?: TestApp, settings: TestAppOptions = {}) =>
  startShop({
    ...settings,
    ...(of && { emulator: of.emulator }),
    options: { ...settings.options, session: { ...settings.options?.session, ...(of && { prefix: of.prefix }) } },
    seams: { clock: () => Date.now() + ms },
  })

/** Shifts `Date`, as if someone had set the machine's clock. */
async function withDateOff(ms: number, act: () => Promise<void>): Promise<void> {
  const { Date: real } = globalThis
  const now = () => real.now() + ms
  globalThis.Date = new Proxy(real, {
    construct: (target, given: unknown[]) => Reflect.construct(target, given.length ? given : [now()]) as object,
    get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
  })
  try {
    await act()
  } finally {
    globalThis.Date = real
  }
}

describe.each([
  ['an hour ahead', HOUR],
  ['an hour behind', -HOUR],
])('a process whose clock is %s', (_name, off) => {
  it('ends no session of other processes, nor do they end its sessions', async () => {
    const right = await startShop()
    const wrong = await startOff(off, right)
    const [ofRight, ofWrong] = [
      cookieOf(await logIn(right, asAda).expect(200)),
      cookieOf(await logIn(wrong, asAda).expect(200)),
    ]
    for (const at of [right, wrong]) {
      for (const cookie of [ofRight, ofWrong]) {
        await me(at, cookie).expect(200)
        expect((await cart(at, cookie).expect(200)).body.sub).toBe(subOf(right, asAda))
      }
    }
    const redis = openRedis()
    const [one, two] = await Promise.all(
      [ofRight, ofWrong].map(async (cookie) => redis.hgetall(await keyOf(right, sessionIdOf(cookie)))),
    )
    // Milliseconds or seconds apart, not an hour.
    for (const field of ['s', 'e']) expect(Math.abs(Number(one![field]) - Number(two![field]))).toBeLessThan(HOUR / 2)
  })

  it('reports the same session times as other processes', async () => {
    const right = await startShop()
    const wrong = await startOff(off, right)
    const { body } = await logIn(wrong, asAda).expect(200)
    expect(Math.abs(Date.parse(body.expires_at) - Date.now() - 7 * DAY)).toBeLessThan(HOUR / 2)
    const [session] = await right.auth.sessions.list(subOf(right, asAda))
    for (const time of [session!.createdAt, session!.lastSeenAt]) {
      expect(Math.abs(time.getTime() - Date.now())).toBeLessThan(HOUR / 2)
    }
    expect(await wrong.auth.sessions.list(subOf(right, asAda))).toEqual([session])
  })

  it('hides no session from a revocation by any process', async () => {
    const right = await startShop()
    const wrong = await startOff(off, right)
    for (const [at, from] of [
      [right, wrong],
      [wrong, right],
    ] as const) {
      const cookies = [cookieOf(await logIn(at, asAda).expect(200)), cookieOf(await logIn(from, asAda).expect(200))]
      expect(await from.auth.sessions.revokeAll(subOf(right, asAda))).toBe(2)
      for (const cookie of cookies) for (const app of [right, wrong]) await me(app, cookie).expect(401)
      // The revocation mark rejects earlier logins and no later ones.
      const fresh = cookieOf(await logIn(at, asAda).expect(200))
      await me(from, fresh).expect(200)
      await logOut(from, fresh).expect(200)
    }
  })

  it('refuses a login that a revocation overtakes', async () => {
    const right = await startShop()
    const wrong = await startOff(off, right)
    for (const [at, from] of [
      [right, wrong],
      [wrong, right],
    ] as const) {
      const held = right.emulator.hold({ path: '/oauth/token', after: true })
      const login = logIn(at, asAda).then()
      await held.arrived
      await from.auth.sessions.revokeAll(subOf(right, asAda))
      held.release()
      expect((await login).status).toBe(401)
    }
  })
})

describe.each(['redis', 'memory'] as const)('findings 9: a process whose Date jumps, with sessions in %s', (store) => {
  it.each([
    ['forth by a year', 365 * DAY],
    ['back by a year', -365 * DAY],
  ])('%s ends no session and can still log out', async (_name, jump) => {
    const shop = await startShop({ store })
    const cookie = cookieOf(await logIn(shop, asAda).expect(200))
    await fill(shop, 'book', cookie).expect(200)
    const remembered = cookieOf(await logIn(shop, { ...asAda, remember_me: true }).expect(200))
    const now = Date.now()

    await withDateOff(jump, async () => {
      expect(Math.abs(Date.now() - now)).toBeGreaterThan(300 * DAY)
      for (const sent of [cookie, remembered]) await me(shop, sent).expect(200)
      expect((await cart(shop, cookie).expect(200)).body.cart).toEqual(['book'])
      await fill(shop, 'pen', cookie).expect(200)
      expect((await cart(shop, cookie).expect(200)).body.cart).toEqual(['book', 'pen'])
      const fresh = await signIn(shop.app, shop.auth, { sub: subOf(shop, asAda) })
      const [newest] = await shop.auth.sessions.list(subOf(shop, asAda))
      expect(Math.abs(newest!.createdAt.getTime() - now)).toBeLessThan(HOUR)
      expect(await shop.auth.sessions.revokeAll(subOf(shop, asAda))).toBe(3)
      for (const sent of [cookie, remembered, fresh]) await me(shop, sent).expect(401)
    })
  })
})

describe('a session with a short idle time', () => {
  it('lives while used through processes whose clocks disagree, and ends once unused', async () => {
    const session = { idleTimeout: 2, absoluteTimeout: 60 }
    const right = await startApp({ options: { session } })
    const others = [
      await startOff(HOUR, right, { options: { session } }),
      await startOff(-HOUR, right, { options: { session } }),
    ]
    const cookie = cookieOf(await right.login().expect(200))
    const key = await keyOf(right, sessionIdOf(cookie))
    const redis = openRedis()
    const first = Number(await redis.hget(key, 's'))
    const apps = [right, ...others]
    for (const at of apps) await me(at, cookie).expect(200)
    await withDateOff(-HOUR, async () => {
      // Until the idle timeout has passed on the store's clock.
      for (let round = 0; Number(await redis.hget(key, 's')) < first + 2_100; round++) {
        const { status } = await request(apps[round % 3]!.app)
          .get('/me')
          .set('Cookie', cookie)
        expect(status).toBe(200)
      }
    })
    while (await redis.exists(key)) await new Promise((resolve) => setTimeout(resolve, 20))
    for (const at of apps) await me(at, cookie).expect(401)
  })
})
