import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ada, otp, submit } from './support/client.ts'
import { openExample } from './support/open-example.ts'

describe('examples/forms', () => {
  let example: Awaited<ReturnType<typeof openExample>>

  beforeAll(async () => {
    example = await openExample('forms')
  })
  afterAll(() => example.stop())

  const navigate = { 'Sec-Fetch-Mode': 'navigate' }

  it('redirects an anonymous browser to the form, and after login to the requested page', async () => {
    const agent = example.agent()
    const refused = await agent.get('/?page=2').set(navigate).expect(302)
    const { text } = await agent.get(refused.headers.location!).expect(200)
    const [, returnTo] = /name="return_to" value="([^"]*)"/.exec(text)!
    expect(returnTo).toBe('/?page=2')

    const done = await submit(agent, '/auth/login', { ...ada, return_to: returnTo })
    expect([done.status, done.headers.location]).toEqual([303, '/?page=2'])
    expect((await agent.get('/')).text).toContain(`Hello ${ada.name}`)

    const left = await submit(agent, '/auth/logout')
    expect(left.headers.location).toBe('/login')
    await agent.get('/').set(navigate).expect(302)
  })

  it('shows why a login failed', async () => {
    const agent = example.agent()
    const refused = await submit(agent, '/auth/login', { ...ada, password: 'wrong' })
    expect((await agent.get(refused.headers.location!)).text).toContain('Incorrect email or password.')
  })

  it('asks for the second factor in the same form', async () => {
    const agent = example.agent()
    const half = await submit(agent, '/auth/login', otp)
    const page = await agent.get(half.headers.location!)
    expect(page.text).toContain('action="/auth/mfa/verify"')
    const wrong = await submit(agent, '/auth/mfa/verify', { otp: '000000' })
    expect((await agent.get(wrong.headers.location!)).text).toContain('Incorrect code.')
    const done = await submit(agent, '/auth/mfa/verify', { otp: example.emulator.mfa.code(otp.email) })
    expect([done.status, done.headers.location]).toEqual([303, '/'])
    await agent.get('/').expect(200)
  })

  it('shows user input as text, and allows no script', async () => {
    const agent = example.agent()
    await submit(agent, '/auth/login', ada)
    await submit(agent, '/notes', { note: '<script>alert(1)</script>' })
    const page = await agent.get('/').expect(200)
    expect(page.text).toContain('<li>&#60;script&#62;alert(1)&#60;/script&#62;</li>')
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'/)
    const login = await agent.get('/login').query({ return_to: '"><script>', error: '<script>' })
    expect(login.text).not.toContain('<script>')
  })

  it('does not follow return_to to another site', async () => {
    const done = await submit(example.agent(), '/auth/login', { ...ada, return_to: '//evil.example' })
    expect(done.headers.location).toBe('/')
  })

  it('refuses forms from other sites, with and without Fetch Metadata', async () => {
    const agent = example.agent()
    await submit(agent, '/auth/login', ada)
    const hostile = [
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
      { Origin: 'https://evil.example' },
    ]
    for (const headers of [...hostile, { Origin: 'null' }]) {
      await agent.post('/notes').set(headers).type('form').send({ note: 'planted' }).expect(403)
      await agent.post('/auth/logout').set(headers).expect(403)
    }
    expect((await agent.get('/').expect(200)).text).not.toContain('planted')
  })
})
