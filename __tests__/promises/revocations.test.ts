import { describe, expect, it } from '@jest/globals'
import { ada } from '../support/app.ts'
import { gate, keysOf, logIn, revoked, type Site, startSite, until } from './support/site.ts'

const REVOKE = { path: '/oauth/revoke' }

async function logInOften(site: Site, count: number): Promise<string> {
  await Promise.all(Array.from({ length: count }, () => logIn(site)))
  return site.emulator.users.get(ada.email)!.sub
}

describe('discarded refresh tokens', () => {
  it('promise 3: are revoked five at a time', async () => {
    const site = await startSite()
    const sub = await logInOften(site, 8)
    const gates = Array.from({ length: 8 }, () => site.emulator.hold(REVOKE))
    await site.auth.sessions.revokeAll(sub)
    await Promise.all(gates.slice(0, 5).map(({ arrived }) => arrived))
    // Waits as long as further requests would take to arrive.
    await logIn(site)

    expect(revoked(site)).toHaveLength(5)

    for (const gate of gates) gate.release()
    await until(() => site.emulator.refreshTokens.families() === 1)
    expect(revoked(site)).toHaveLength(8)
  })

  it('promise 3: are retried no sooner than Auth0 asks, and as often as usual', async () => {
    const site = await startSite()
    const sub = await logInOften(site, 1)
    site.emulator.failNext({ ...REVOKE, status: 429, headers: { 'retry-after': '2' } })
    const began = performance.now()

    await site.auth.sessions.revokeAll(sub)

    await until(() => site.emulator.refreshTokens.families() === 0, 20_000)
    expect(performance.now() - began).toBeGreaterThan(1900)
    expect(revoked(site)).toHaveLength(2)
  })

  it('promise 3: are all retried immediately when the instance closes', async () => {
    const warnings: string[] = []
    const listen = ({ name }: Error) => warnings.push(name)
    process.on('warning', listen)
    const site = await startSite()
    const sub = await logInOften(site, 15)
    for (let time = 0; time < 30; time++) site.emulator.failNext({ ...REVOKE, status: 500 })
    await site.auth.sessions.revokeAll(sub)
    await until(() => revoked(site).length === 15)

    await site.auth.close()

    process.off('warning', listen)
    expect(site.emulator.refreshTokens.families()).toBe(0)
    expect(revoked(site)).toHaveLength(45)
    expect(warnings).toEqual([])
  })

  it('promise 3: are given up with a warning that contains no token', async () => {
    const site = await startSite({ options: { exposeTokens: true } })
    const { cookie, answer } = await logIn(site)
    for (let time = 0; time < 10; time++) site.emulator.failNext({ ...REVOKE, status: 500 })
    await site.send('POST', '/auth/logout', { cookie })

    await site.auth.close()

    expect(site.emulator.refreshTokens.families()).toBe(1)
    const warnings = site.logged.filter((line) => line.includes('could not be revoked'))
    expect(warnings).toHaveLength(1)
    expect(site.logged.join()).not.toContain(answer.body.refresh_token)
  })
})

describe('a client that disconnects during its login', () => {
  it('promise 3: gets no session, and its new refresh token is revoked', async () => {
    const closed = gate()
    const site = await startSite({
      before: (app) => {
        app.use((req, _res, next) => {
          req.socket.once('close', closed.open)
          next()
        })
      },
    })
    const login = site.emulator.hold({ after: true })
    const client = new AbortController()
    const answer = fetch(`${site.url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: ada.email, password: ada.password, remember_me: true }),
      signal: client.signal,
    }).catch((err: unknown) => (err as Error).name)
    await login.arrived
    expect(site.emulator.refreshTokens.families()).toBe(1)
    client.abort()
    await closed.opened

    login.release()

    await until(() => site.events.length > 0)
    expect(await answer).toBe('AbortError')
    expect(site.events).toMatchObject([{ name: 'login.failed', code: 'invalid_request' }])
    await until(() => site.emulator.refreshTokens.families() === 0)
    expect(revoked(site)).toHaveLength(1)
    expect(await keysOf(site)).toEqual([])
  })
})
