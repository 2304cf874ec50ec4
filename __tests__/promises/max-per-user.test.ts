import { describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { resolveOptions } from '../../lib/options/resolve-options.ts'
import { END } from '../../lib/store/redis-scripts.ts'
import { ada, secret } from '../support/app.ts'
import { testRedisUrl } from '../support/redis.ts'
import { onScript } from './support/on-script.ts'
import {
  endWithTest,
  gate,
  keysOf,
  logIn,
  refusal,
  type Site,
  type SiteSettings,
  startSite,
  startTwin,
  until,
} from './support/site.ts'

const options = { session: { maxPerUser: 3 } }
const revocations = ({ events }: Site) => events.filter(({ name }) => name === 'session.revoked')
const grace = { email: 'grace@example.com', password: 'nanoseconds of wire' }

describe.each<[SiteSettings['store'] & string]>([['redis'], ['memory']])('session.maxPerUser (%s)', (store) => {
  it("promise 3: ends only the same user's oldest session at another login", async () => {
    const site = await startSite({ store, options, emulator: { users: [ada, grace] } })
    const other = await logIn(site, grace)
    const sessions = []
    for (let turn = 0; turn < 5; turn++) sessions.push(await logIn(site))

    const answers = await Promise.all(sessions.map(({ cookie }) => site.get('/me', cookie)))

    expect(answers.map(({ status }) => status)).toEqual([401, 401, 200, 200, 200])
    expect(answers[0]!.body).toEqual(refusal('session_expired'))
    expect((await site.get('/me', other.cookie)).status).toBe(200)
    const { sub } = site.emulator.users.get(ada.email)!
    expect(await site.auth.sessions.list(sub)).toHaveLength(3)
    await until(() => site.emulator.refreshTokens.families() === 4)
  })

  it('promise 3: sessions that have expired do not count, so the oldest one stays if it lives', async () => {
    const site = await startSite({ store, options, clockSets: 'everything' })
    const remembered = await logIn(site)
    for (let turn = 0; turn < 2; turn++) await logIn(site, { remember_me: false })
    // Idle for longer than 1 day, but not for 14.
    site.clock.advance(2 * 86_400)
    const fresh = [await logIn(site, { remember_me: false }), await logIn(site, { remember_me: false })]

    for (const { cookie } of [remembered, ...fresh]) expect((await site.get('/me', cookie)).status).toBe(200)
    expect(revocations(site)).toEqual([])
    await logIn(site)
    expect((await site.get('/me', remembered.cookie)).status).toBe(401)
    expect(revocations(site)).toHaveLength(1)
  })

  it('promise 3: what it ends is reported, and only that', async () => {
    const site = await startSite({ store, options })
    const [oldest] = [await logIn(site), await logIn(site), await logIn(site)]
    const { sessionId } = (await site.get('/me', oldest.cookie)).body
    expect(revocations(site)).toEqual([])

    await logIn(site)

    const { sub } = site.emulator.users.get(ada.email)!
    expect(revocations(site)).toMatchObject([{ sub, sessionId, detail: expect.stringContaining('session.maxPerUser') }])
  })

  it('promise 3: parallel logins leave no session that is not listed', async () => {
    const site = await startSite({ store, options })
    const sessions = await Promise.all(Array.from({ length: 12 }, () => logIn(site)))

    const answers = await Promise.all(sessions.map(({ cookie }) => site.get('/me', cookie)))

    const live = answers.filter(({ status }) => status === 200).map(({ body }) => String(body.sessionId))
    const { sub } = site.emulator.users.get(ada.email)!
    const listed = (await site.auth.sessions.list(sub)).map(({ id }) => id)
    expect(live).toHaveLength(3)
    expect(listed.sort()).toEqual(live.sort())
    expect(await site.auth.sessions.revokeAll(sub)).toBe(3)
    await until(() => site.emulator.refreshTokens.families() === 0)
  })
})

describe('session.maxPerUser', () => {
  it('promise 3: counts the sessions of all processes, but not revocation marks', async () => {
    const site = await startSite({ options })
    const twin = await startTwin(site)
    const { sub } = site.emulator.users.get(ada.email)!
    await site.auth.sessions.revokeAll(sub)

    const sessions = [await logIn(site), await logIn(twin), await logIn(site)]

    for (const { cookie } of sessions) expect((await twin.get('/me', cookie)).status).toBe(200)
    await logIn(twin)
    expect((await site.get('/me', sessions[0]!.cookie)).status).toBe(401)
    expect((await keysOf(site)).filter((key) => key.includes(':s:'))).toHaveLength(3)
  })

  it('promise 3: keeps the oldest session while another one is replaced and the list is visited', async () => {
    const client = new Redis(testRedisUrl(), { commandTimeout: 1000, maxRetriesPerRequest: 1 })
    endWithTest(async () => client.disconnect())
    const [arrived, released] = [gate(), gate()]
    let replaced = 'none'
    onScript(client, END, async ({ key, run }) => {
      if (key.endsWith(`:${replaced}`)) {
        arrived.open()
        await released.opened
      }
      return run()
    })
    const site = await startSite({ clockSets: 'everything', options: { redis: client, session: { maxPerUser: 2 } } })
    const oldest = await logIn(site)
    site.clock.advance(1)
    const here = await logIn(site)
    replaced = here.id
    const { email, password } = ada
    const login = site.send('POST', '/auth/login', { cookie: here.cookie, body: { email, password } })
    await arrived.opened

    site.clock.advance(61)
    const { body } = await site.get('/me', oldest.cookie)
    // Redis answers in order, so what the visit causes has happened by then.
    for (let time = 0; time < 5; time++) await site.auth.sessions.list(body.sub)
    released.open()

    expect((await login).status).toBe(200)
    expect((await site.get('/me', oldest.cookie)).status).toBe(200)
    expect(revocations(site)).toEqual([])
  })

  it('promise 3: defaults to 100', () => {
    const tenant = { domain: 'tenant.example.com', clientId: 'id', clientSecret: 'secret', logger: false as const }
    expect(resolveOptions({ ...tenant, session: { secret } }, {}, {}).session.maxPerUser).toBe(100)
  })
})
