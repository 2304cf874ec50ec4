import { describe, expect, it } from '@jest/globals'
import request from 'supertest'
import { ada } from '../support/app.ts'
import { bodyOf, startWeb, Visitor, type Web } from './web.ts'

async function logoutUrl(visitor: Visitor): Promise<string> {
  const answer = await visitor.post('/auth/logout')
  expect([answer.status, bodyOf(answer).success]).toEqual([200, true])
  return bodyOf(answer).logout_url as string
}

async function entered(web: Web): Promise<Visitor> {
  const visitor = new Visitor(web)
  await visitor.enter()
  return visitor
}

/** Whether Auth0 asks for the password. */
async function isAsked(visitor: Visitor): Promise<boolean> {
  const { location } = await visitor.get('/auth/login')
  const url = new URL(location)
  // Set because a user is logged in here.
  url.searchParams.delete('prompt')
  return (await visitor.open(url.href)).location.includes('/u/login')
}

describe('logout_url', () => {
  it.each(['redis', 'memory'] as const)('ends the session at Auth0 and comes back, in %s', async (store) => {
    const visitor = await entered(await startWeb({ store }))
    expect(await isAsked(visitor)).toBe(false)

    const url = new URL(await logoutUrl(visitor))

    const { emulator, url: home } = visitor.web
    expect(url.origin + url.pathname).toBe(`${emulator.domain}/oidc/logout`)
    expect(Object.fromEntries(url.searchParams)).toEqual({
      logout_hint: expect.stringMatching(/./),
      client_id: emulator.clientId,
      post_logout_redirect_uri: `${home}/`,
    })
    const left = await visitor.open(url.href)
    expect([left.status, left.location]).toEqual([302, `${home}/`])
    expect(await isAsked(visitor)).toBe(true)
  })

  it('contains the page after logout, exactly as it is allowed at Auth0', async () => {
    const web = await startWeb({ options: { pages: { login: '/in', afterLogout: '/bye?a=1' } } })
    web.emulator.tenant.logoutUrls = [`${web.url}/bye?a=1`]
    const visitor = await entered(web)
    expect((await visitor.open(await logoutUrl(visitor))).location).toBe(`${web.url}/bye?a=1`)
  })

  it('is where a form redirects', async () => {
    const web = await startWeb({ options: { pages: { login: '/in' } } })
    const visitor = await entered(web)
    const answer = await request(web.app)
      .post('/auth/logout')
      .set({ Accept: 'text/html', Cookie: visitor.cookies })
      .type('form')
      .send({})
    expect([answer.status, answer.headers.location]).toEqual([303, expect.stringContaining('/oidc/logout?')])
  })

  it('is /v2/logout if the tenant has no RP-initiated logout', async () => {
    const web = await startWeb({ emulator: { rpLogout: false } })
    const visitor = await entered(web)

    const url = new URL(await logoutUrl(visitor))

    expect(url.pathname).toBe('/v2/logout')
    expect(Object.fromEntries(url.searchParams)).toEqual({ client_id: web.emulator.clientId, returnTo: `${web.url}/` })
    expect((await visitor.open(url.href)).location).toBe(`${web.url}/`)
    expect(await isAsked(visitor)).toBe(true)
  })

  it.each([true, false])(
    'also ends the session of the identity provider, by option (/oidc/logout: %s)',
    async (rpLogout) => {
      const visitor = await entered(await startWeb({ emulator: { rpLogout }, federated: true }))
      const url = await logoutUrl(visitor)
      expect(url).toMatch(/&federated$/)
      expect((await visitor.open(url)).location).toBe(`${visitor.web.url}/`)
    },
  )

  it('is missing for a password login', async () => {
    const web = await startWeb()
    const agent = web.agent()
    await agent.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)
    await agent.post('/auth/logout').expect(200, { success: true })
  })

  it('is missing without a login', async () => {
    expect(await logoutUrl(new Visitor(await startWeb()))).toBeUndefined()
  })

  it('is missing for a session from before interactive login was turned off', async () => {
    const web = await startWeb()
    const visitor = await entered(web)
    const { emulator, prefix } = web
    const later = await startWeb({ emulator, options: { interactive: false, session: { prefix } } })
    const answer = await request(later.app).post('/auth/logout').set('Cookie', visitor.cookies)
    expect([answer.status, answer.body]).toEqual([200, { success: true }])
  })

  it('is omitted while Auth0 is down, and logout succeeds', async () => {
    const web = await startWeb()
    const visitor = await entered(web)
    const { emulator, prefix } = web
    // An instance that has not contacted Auth0 yet.
    const later = await startWeb({ emulator, options: { session: { prefix }, timeouts: { auth0: 300 } } })
    emulator.failNext({ path: '/.well-known/openid-configuration', status: 503, body: 'down', times: 9 })

    const answer = await request(later.app).post('/auth/logout').set('Cookie', visitor.cookies)

    expect([answer.status, answer.body]).toEqual([200, { success: true }])
    expect((await visitor.me()).status).toBe(401)
  })
})
