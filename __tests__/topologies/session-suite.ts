import { expect, it } from '@jest/globals'
import type { Redis } from 'ioredis'
import type { RopgAuthOptions } from '../../lib/index.ts'
import { ada } from '../support/app.ts'
import { del, get, logIn, post, sidOf, signal, startPair, until } from './pair.ts'

const WRONG = { email: ada.email, password: 'wrong' }

/** The session storage under test. */
export interface Topology {
  /** Creates the `redis` option for one instance. */
  redis: () => RopgAuthOptions['redis']
  /** Direct connections to all masters. */
  masters: () => Redis[]
}

/** Tests that hold for a single server, Sentinel, and Cluster. */
export function itKeepsSessions({ redis, masters }: Topology): void {
  const keysWith = async (text: string) => {
    const found = await Promise.all(masters().map((node) => node.keys('*')))
    return found.flat().filter((key) => key.includes(text))
  }
  const forgetScripts = () => Promise.all(masters().map((node) => node.script('FLUSH')))

  it('promise 1: shares a login across instances and refreshes once', async () => {
    const { first, second, expireTokens, refreshes } = await startPair({ redis })
    const cookie = await logIn(first)
    const seen = await Promise.all([get(first, '/me', cookie), get(second, '/me', cookie)])
    expect(seen.map(({ status }) => status)).toEqual([200, 200])
    expect(seen[1].body).toEqual(seen[0].body)
    const before = await get(second, '/token', cookie)
    expireTokens()
    const calls = Array.from({ length: 20 }, (_, turn) => get(turn % 2 ? first : second, '/token', cookie))
    const answers = await Promise.all(calls)
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(new Set(answers.map(({ body }) => body.accessToken)).size).toBe(1)
    expect(answers[0]!.body.accessToken).not.toBe(before.body.accessToken)
    expect(refreshes()).toBe(1)
  })

  it('promise 8: extends a session in use', async () => {
    const { first, second, prefix } = await startPair({ redis })
    const cookie = await logIn(first)
    const [key] = (await keysWith(sidOf(cookie))).filter((name) => name.includes(':s:'))
    const onMaster = (act: (node: Redis) => Promise<unknown>) =>
      Promise.all(masters().map((node) => act(node).catch(() => undefined)))
    const ttl = async () => Math.max(...(await Promise.all(masters().map((node) => pttl(node, key!)))))
    const idle = 14 * 86_400_000
    expect(key).toMatch(prefix)
    expect(await ttl()).toBeGreaterThan(idle - 20_000)
    // Last seen two minutes ago.
    await onMaster((node) => node.eval(AGE, 1, key!, 120_000))
    expect(await ttl()).toBeLessThanOrEqual(idle - 120_000)
    // Through the instance that has not extended it within the last minute.
    await get(second, '/me', cookie).expect(200)
    expect(await ttl()).toBeGreaterThan(idle - 20_000)
  })

  it('promise 3: deletes the whole session at logout and revokes its refresh token', async () => {
    const { first, second, emulator } = await startPair({ redis })
    const cookie = await logIn(first)
    expect(await keysWith(sidOf(cookie))).toHaveLength(1)
    expect(emulator.refreshTokens.families()).toBe(1)
    await post(second, '/auth/logout', cookie).expect(200)
    expect(await keysWith(sidOf(cookie))).toEqual([])
    for (const app of [first, second]) {
      const answer = await get(app, '/me', cookie).expect(401)
      expect(answer.body.error).toBe('session_expired')
    }
    await until(() => emulator.refreshTokens.families() === 0)
  })

  it('promise 3: does not restore a session with a write that ends after the logout', async () => {
    const gate = signal()
    const entered = signal()
    const { first, second } = await startPair({
      redis,
      after: (app, auth) => {
        app.post('/slow', auth.session, auth.requireAuth, (req, res, next) => {
          entered.give()
          gate.given
            .then(() => {
              Object.assign(req.session, { note: 'too late' })
              res.json({})
            })
            .catch(next)
        })
      },
    })
    const cookie = await logIn(first)
    const slow = post(first, '/slow', cookie).then((answer) => answer.status)
    await entered.given
    await post(second, '/auth/logout', cookie).expect(200)
    gate.give()
    expect(await slow).toBe(200)
    expect(await keysWith(sidOf(cookie))).toEqual([])
    for (const app of [first, second]) await get(app, '/me', cookie).expect(401)
  })

  it('promise 3: refuses a login overtaken by a revocation and accepts the next one', async () => {
    const { first, second, emulator } = await startPair({ redis })
    const { sub } = emulator.users.get(ada.email)!
    const held = emulator.hold({ path: '/oauth/token', after: true })
    const early = first.login({ email: ada.email, password: ada.password, remember_me: true }).then((answer) => answer)
    await held.arrived
    await second.auth.sessions.revokeAll(sub)
    held.release()
    const { status, body } = await early
    expect([status, body.error]).toEqual([401, 'session_expired'])
    await until(() => emulator.refreshTokens.families() === 0)
    await until(async () => !(await keysWith(first.prefix)).some((key) => key.includes(':s:')))
    const cookie = await logIn(second)
    await get(first, '/me', cookie).expect(200)
    expect(await first.auth.sessions.list(sub)).toHaveLength(1)
  })

  it("lists a user's sessions, ends one of them, and ends the others", async () => {
    const { first, second } = await startPair({ redis })
    const [mine, other, third] = [await logIn(first), await logIn(second), await logIn(first)]
    const { body } = await get(second, '/auth/sessions', mine).expect(200)
    expect(body.sessions).toHaveLength(3)
    expect(body.sessions.map(({ current }: { current: boolean }) => current)).toEqual([false, false, true])
    const { sessionId } = (await get(first, '/me', other).expect(200)).body
    await del(second, `/auth/sessions/${sessionId}`, mine).expect(204)
    await get(first, '/me', other).expect(401)
    await get(second, '/me', third).expect(200)
    await del(first, '/auth/sessions', mine).expect(204)
    await get(second, '/me', third).expect(401)
    expect((await get(first, '/auth/sessions', mine).expect(200)).body.sessions).toHaveLength(1)
    expect([...(await keysWith(sidOf(other))), ...(await keysWith(sidOf(third)))]).toEqual([])
  })

  it('lists and revokes without SCAN or KEYS', async () => {
    const { first, second, emulator } = await startPair({ redis })
    const cookies = [await logIn(first), await logIn(first), await logIn(second)]
    const { sub } = emulator.users.get(ada.email)!
    await Promise.all(masters().map((node) => node.config('RESETSTAT')))
    const [{ id } = { id: '' }] = await first.auth.sessions.list(sub)
    expect(await second.auth.sessions.revoke(sub, id)).toBe(true)
    expect(await second.auth.sessions.revokeAll(sub)).toBe(2)
    expect(await first.auth.sessions.list(sub)).toEqual([])
    const stats = await Promise.all(masters().map((node) => node.info('commandstats')))
    expect(stats.join('\n')).toMatch(/cmdstat_hgetall/)
    expect(stats.join('\n')).not.toMatch(/cmdstat_(?:scan|keys|hscan)/)
    for (const cookie of cookies) await get(first, '/me', cookie).expect(401)
  })

  it('counts login attempts across instances', async () => {
    const rateLimit = { subnet: { limit: 3, windowMs: 60_000 } }
    const { first, second } = await startPair({ redis, options: { rateLimit } })
    const attempts = []
    for (const app of [first, second, first, second]) attempts.push(await app.login(WRONG))
    expect(attempts.map(({ status }) => status)).toEqual([401, 401, 401, 429])
    expect(Number(attempts[3]!.headers['retry-after'])).toBeGreaterThan(0)
  })

  it('works after the servers lose all scripts', async () => {
    const rateLimit = { subnet: { limit: 1, windowMs: 60_000 } }
    const { first, second, expireTokens, refreshes } = await startPair({ redis, options: { rateLimit } })
    const cookie = await logIn(first)
    await forgetScripts()
    const other = await logIn(second)
    expireTokens()
    await forgetScripts()
    await get(first, '/token', cookie).expect(200)
    await get(second, '/token', cookie).expect(200)
    expect(refreshes()).toBe(1)
    await forgetScripts()
    await first.login(WRONG).expect(401)
    await forgetScripts()
    await second.login(WRONG).expect(429)
    expect((await get(first, '/auth/sessions', cookie).expect(200)).body.sessions).toHaveLength(2)
    await forgetScripts()
    await post(second, '/auth/logout', other).expect(200)
    await get(first, '/me', other).expect(401)
  })
}

/** Makes a session look last seen this many milliseconds ago. No effect on nodes without its key. */
const AGE = `
local left = redis.call('PTTL', KEYS[1])
if left < 0 then return end
redis.call('HSET', KEYS[1], 's', redis.call('HGET', KEYS[1], 's') - ARGV[1])
redis.call('PEXPIRE', KEYS[1], left - ARGV[1])
`

/** -2 if another node has the key. */
function pttl(node: Redis, key: string): Promise<number> {
  return node.pttl(key).catch(() => -2)
}
