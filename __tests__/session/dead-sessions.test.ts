import { beforeEach, describe, expect, it } from '@jest/globals'
import { keyOf, keysOf, type LoggedIn, logIn, type Site, startSite, until } from '../promises/support/site.ts'
import { ada } from '../support/app.ts'

const DAY = 86_400

describe('a session that ended because nobody used it', () => {
  let site: Site
  let dead: LoggedIn
  let sub: string

  beforeEach(async () => {
    site = await startSite()
    dead = await logIn(site, { remember_me: false })
    sub = site.emulator.users.get(ada.email)!.sub
    await site.redis.del(await keyOf(site, { kind: 's', id: dead.id }))
    site.clock.advance(DAY + 1)
  })

  const listed = async () => {
    const list = (await keysOf(site)).find((key) => key.includes(':u:'))
    return list === undefined ? 0 : site.redis.hlen(list)
  }
  const revocations = () => site.events.filter(({ name }) => name === 'session.revoked').length

  it('is neither counted nor told of by revokeAll', async () => {
    await logIn(site)

    expect(await site.auth.sessions.revokeAll(sub)).toBe(1)

    expect(revocations()).toBe(1)
    expect(await keysOf(site)).toEqual([])
  })

  it('cannot be revoked', async () => {
    const [entry] = Object.keys(await site.redis.hgetall((await keysOf(site)).find((key) => key.includes(':u:'))!))

    expect(await site.auth.sessions.revoke(sub, entry!)).toBe(false)

    expect(revocations()).toBe(0)
    expect(await keysOf(site)).toEqual([])
  })

  it('is forgotten at a login that makes the list long, and its tokens with it', async () => {
    for (let count = 0; count < 14; count++) await logIn(site)
    expect(await listed()).toBe(15)

    await logIn(site)

    await until(async () => (await listed()) === 15)
    await until(async () => (await keysOf(site)).every((key) => !key.endsWith(dead.id)))
    expect(await site.auth.sessions.list(sub)).toHaveLength(15)
  })

  it('is not mistaken for one that is still in use', async () => {
    const { cookie } = await logIn(site)
    site.clock.advance(15 * DAY)
    await logIn(site)

    expect((await site.get('/me', cookie)).status).toBe(200)
    expect(await site.auth.sessions.list(sub)).toHaveLength(2)
  })
})
