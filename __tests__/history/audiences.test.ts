import { describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import type { RopgAuth } from '../../lib/index.ts'
import { testRedisUrl } from '../support/redis.ts'
import { get, logIn, type Pair, startPair, TOKEN_LIFE, until } from '../topologies/pair.ts'

const API = 'https://api.example.com'
const others = ['https://one.example.com', 'https://two.example.com', 'https://three.example.com']

const emulator = {
  apis: [API, ...others].map((audience) => ({ audience, scopes: ['read:posts'] })),
  refreshPolicies: others.map((audience) => ({ audience, scope: ['read:posts'] })),
}

/** `asked` is called as soon as `GET /token-for` requests its token. */
function start(asked?: () => void): Promise<Pair> {
  return startPair({
    redis: () => testRedisUrl(),
    options: { audience: API },
    emulator,
    after: (app: Express, auth: RopgAuth) => {
      app.get('/token-for', auth.requireAuth, (req, res, next) => {
        const { audience } = req.query as { audience?: string }
        const token = req.auth.getAccessToken(audience === undefined ? {} : { audience })
        asked?.()
        token.then((found) => res.json(found), next)
      })
    },
  })
}

const tokenFor = (app: Pair['first'], audience: string, cookie: string) =>
  get(app, `/token-for?audience=${encodeURIComponent(audience)}`, cookie)

describe('concurrent calls for several audiences', () => {
  it.each([
    ['one instance', (pair: Pair) => [pair.first]],
    ['two instances', (pair: Pair) => [pair.first, pair.second]],
  ])('get one token each, with one refresh each, through %s', async (_name, appsOf) => {
    const pair = await start()
    const apps = appsOf(pair)
    const cookie = await logIn(pair.first)
    pair.expireTokens()
    const wanted = [API, ...others, API, ...others]
    const answers = await Promise.all(
      wanted.map((audience, place) => tokenFor(apps[place % apps.length]!, audience, cookie)),
    )
    expect(answers.map(({ status, body }) => [status, body.audience])).toEqual(
      wanted.map((audience) => [200, audience]),
    )
    expect(pair.refreshes()).toBe(4)
  })

  it('never get a token that is about to expire', async () => {
    let asked = 0
    const pair = await start(() => asked++)
    const apps = [pair.first, pair.second]
    const cookie = await logIn(pair.first)
    pair.advance(TOKEN_LIFE - 15)
    const gate = pair.emulator.hold({ grantType: 'refresh_token' })
    const other = tokenFor(pair.first, others[0]!, cookie).then((answer) => answer)
    await gate.arrived
    const mine = apps.map((app) => get(app, '/token-for', cookie).then((answer) => answer))
    await until(() => asked === 3)
    // Redis answers in order, so each instance has read the record and then requested the lock.
    for (const app of [...apps, ...apps]) await get(app, '/me', cookie).expect(200)
    gate.release()
    expect((await other).status).toBe(200)
    const soonest = pair.emulator.clock.now() / 1000 + 29
    for (const { status, body } of await Promise.all(mine)) {
      expect(status).toBe(200)
      expect(body.expiresAt).toBeGreaterThanOrEqual(soonest)
    }
    expect(pair.refreshes()).toBe(2)
  })
})
