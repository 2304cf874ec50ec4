import { describe, expect, it } from '@jest/globals'
import { resolveOptions } from '../../lib/options/resolve-options.ts'
import { ada, secret } from '../support/app.ts'
import { keysOf, logIn, refusal, type SiteSettings, startSite, startTwin, until } from './support/site.ts'

const options = { session: { maxPerUser: 3 } }
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

  it('promise 3: lists every session after concurrent logins', async () => {
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

  it('promise 3: defaults to 100', () => {
    const tenant = { domain: 'tenant.example.com', clientId: 'id', clientSecret: 'secret', logger: false as const }
    expect(resolveOptions({ ...tenant, session: { secret } }, {}, {}).session.maxPerUser).toBe(100)
  })
})
