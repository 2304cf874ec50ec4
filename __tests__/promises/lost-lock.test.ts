import { describe, expect, it } from '@jest/globals'
import { logInAndExpire, refreshes, startSite, startTwin } from './support/site.ts'

describe('a process that loses its lock right before its refresh request', () => {
  it('promise 1: does not send the spent refresh token and uses the newer tokens', async () => {
    // The lock lasts 1.8 s and is renewed every 0.6 s.
    const site = await startSite({ options: { timeouts: { redis: 400 } } })
    const { cookie, id } = await logInAndExpire(site)
    const twin = await startTwin(site)
    const gate = site.emulator.hold({ path: '/.well-known/openid-configuration' })
    const late = twin.get('/token', cookie)
    await gate.arrived
    const [lock] = await site.redis.keys(`${site.prefix}*:l:${id}`)
    await site.redis.del(lock!)
    // The new holder waits a second for the old one to write its result. In that time, the old one notices the loss.
    const winner = await site.get('/token', cookie)
    expect(winner.status).toBe(200)
    gate.release()
    const follower = await late
    expect([follower.status, follower.body]).toEqual([200, winner.body])
    expect(refreshes(site)).toHaveLength(1)
    expect((await site.get('/me', cookie)).status).toBe(200)
  })
})
