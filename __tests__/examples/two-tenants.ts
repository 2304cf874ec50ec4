import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ada, type Agent, grace, logIn } from './support/client.ts'
import { openExample } from './support/open-example.ts'

describe('examples/two-tenants', () => {
  let example: Awaited<ReturnType<typeof openExample>>
  let agent: Agent
  /** Name and value pairs. */
  let acmeCookie: string
  let globexCookie: string

  beforeAll(async () => {
    example = await openExample('two-tenants')
    acmeCookie = await cookieOf('acme')
    globexCookie = await cookieOf('globex')
  })
  afterAll(() => example.stop())

  async function cookieOf(tenant: string): Promise<string> {
    const { headers } = await example.agent().post(`/${tenant}/auth/login`).send(ada).expect(200)
    return headers['set-cookie']![0]!.split(';')[0]!
  }

  it('keeps a user logged in to both, and logs out of one', async () => {
    agent = await logIn(example.agent(), ada, '/acme/auth/login')
    await logIn(agent, grace, '/globex/auth/login')
    expect((await agent.get('/acme/me').expect(200)).body).toMatchObject({ tenant: 'acme', name: ada.name })
    expect((await agent.get('/globex/me').expect(200)).body).toMatchObject({ tenant: 'globex', name: grace.name })
    await agent.post('/acme/auth/logout').expect(200)
    await agent.get('/acme/me').expect(401)
    await agent.get('/globex/me').expect(200)
  })

  it('never accepts a session of the other tenant, even with its own cookie name', async () => {
    expect([acmeCookie, globexCookie]).toEqual([expect.stringMatching(/^acme=/), expect.stringMatching(/^globex=/)])
    const renamed = acmeCookie.replace('acme=', 'globex=')
    await example.agent().get('/acme/me').set('Cookie', acmeCookie).expect(200)
    await example.agent().get('/globex/me').set('Cookie', renamed).expect(401)
    await example.agent().get('/acme/me').set('Cookie', globexCookie.replace('globex=', 'acme=')).expect(401)
  })
})
