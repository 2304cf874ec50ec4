import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { RopgAuth } from '../../lib/index.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { ada, type Agent, grace, submit } from './support/client.ts'
import { openExample } from './support/open-example.ts'

describe('examples/account', () => {
  let redis: RedisServer
  let example: Awaited<ReturnType<typeof openExample>>
  let auth: RopgAuth
  let laptop: Agent
  let phone: Agent

  beforeAll(async () => {
    redis = await startRedis()
    example = await openExample('account', { REDIS_URL: redis.url })
    auth = example.exports.auth as RopgAuth
  })
  beforeEach(async () => {
    await auth.sessions.revokeAll(example.emulator.users.get(ada.email)!.sub)
    laptop = await enter(ada, 'Laptop')
    phone = await enter(ada, 'Phone <b>')
  })
  afterAll(async () => {
    await example.stop()
    await redis.stop()
  })

  async function enter(user: typeof ada, device: string): Promise<Agent> {
    const agent = example.agent().set('User-Agent', device)
    expect((await submit(agent, '/auth/login', user)).headers.location).toBe('/account')
    return agent
  }

  const page = async (agent: Agent) => (await agent.get('/account').expect(200)).text
  const idsOn = (text: string) => Array.from(text.matchAll(/sessions\/([^/]+)\/revoke/g), ([, id = '']) => id)
  const isIn = async (agent: Agent) => (await agent.get('/account')).status === 200

  it('lists the sessions of the user, and which of them is this one', async () => {
    const text = await page(laptop)
    expect(text).toContain(`${ada.name}, ${ada.email}`)
    expect(text).toMatch(/Laptop \([^)]+\), last seen [^<]+ GMT\s+<strong>This device/)
    expect(text).toMatch(/Phone &#60;b&#62; \([^)]+\), last seen [^<]+ GMT\s+<form/)
    expect(idsOn(text)).toHaveLength(1)
  })

  it('logs out one other device', async () => {
    const [id] = idsOn(await page(laptop))
    expect((await submit(laptop, `/account/sessions/${id}/revoke`)).headers.location).toBe('/account')
    expect([await isIn(laptop), await isIn(phone)]).toEqual([true, false])
  })

  it('logs out all other devices', async () => {
    await submit(laptop, '/account/log-out-others')
    expect([await isIn(laptop), await isIn(phone)]).toEqual([true, false])
  })

  it('logs out everywhere, including here', async () => {
    const done = await submit(laptop, '/account/log-out-everywhere')
    expect(done.headers.location).toBe('/login')
    expect(done.headers['set-cookie']?.[0]).toContain('Expires=Thu, 01 Jan 1970')
    expect([await isIn(laptop), await isIn(phone)]).toEqual([false, false])
  })

  it('does not let users end the sessions of others', async () => {
    const [id] = idsOn(await page(laptop))
    const other = await enter(grace, 'Tablet')
    expect((await submit(other, `/account/sessions/${id}/revoke`)).status).toBe(404)
    expect(await isIn(phone)).toBe(true)
  })

  it('accepts nothing from other sites, and nothing without a login', async () => {
    for (const path of ['/account/log-out-everywhere', '/account/log-out-others']) {
      await laptop.post(path).set('Sec-Fetch-Site', 'cross-site').expect(403)
      await example.agent().post(path).expect(401)
    }
    expect([await isIn(laptop), await isIn(phone)]).toEqual([true, true])
  })
})
