import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type Agent, logIn } from './support/client.ts'
import { openExample } from './support/open-example.ts'

describe('examples/bff', () => {
  let example: Awaited<ReturnType<typeof openExample>>
  let agent: Agent

  beforeAll(async () => {
    example = await openExample('bff')
    agent = await logIn(example.agent(), undefined, '/auth/login')
  })
  afterAll(() => example.stop())

  it('gives the API an access token for the cookie, and the browser none', async () => {
    await agent.post('/api/orders').send({ item: 'tea' }).expect(201)
    const { body, headers } = await agent.get('/api/orders').expect(200)
    expect(body).toEqual({ owner: example.emulator.users.get('ada@example.com')!.sub, orders: [{ item: 'tea' }] })
    expect(JSON.stringify([body, headers])).not.toContain('eyJ')
    expect(headers['set-cookie']).toBeUndefined()
  })

  it('has an API that accepts nothing but such a token', async () => {
    const call = (headers: Record<string, string>) => fetch(`${process.env.API_URL}/orders`, { headers })
    expect((await call({})).status).toBe(401)
    expect((await call({ authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' })).status).toBe(401)
  })

  it('refuses anonymous requests, even with a token', async () => {
    const { body } = await example.agent().get('/api/orders').set('Authorization', 'Bearer of somebody').expect(401)
    expect(body.error).toBe('unauthenticated')
  })

  it('replaces a token that has expired, once for all requests', async () => {
    const { emulator } = example
    emulator.tenant.accessTokenTtl = 1
    const own = await logIn(example.agent(), undefined, '/auth/login')
    emulator.tenant.accessTokenTtl = 300
    const before = emulator.requestsTo('/oauth/token').length
    const answers = await Promise.all(Array.from({ length: 5 }, () => own.get('/api/orders')))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    const grants = emulator.requestsTo('/oauth/token').slice(before)
    expect(grants.map(({ grantType }) => grantType)).toEqual(['refresh_token'])
  })

  it('does not forward requests from other sites', async () => {
    for (const headers of [{ 'Sec-Fetch-Site': 'cross-site' }, { Origin: 'https://evil.example' }]) {
      await agent.post('/api/orders').set(headers).send({ item: 'planted' }).expect(403)
    }
    const { body } = await agent.get('/api/orders').expect(200)
    expect(JSON.stringify(body)).not.toContain('planted')
  })
})
