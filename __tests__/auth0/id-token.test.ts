import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { ada, startApp, type TestAppOptions } from '../support/app.ts'

const DISCOVERY = '/.well-known/openid-configuration'
const KEYS = '/.well-known/jwks.json'
const SECOND = 1000

const start = (settings: TestAppOptions = {}) => startApp({ store: 'memory', ...settings })

afterEach(() => {
  jest.restoreAllMocks()
})

/** Moves the clock of the whole process, including jose and the emulator. */
function moveClock(milliseconds: number): void {
  const now = Date.now() + milliseconds
  jest.spyOn(Date, 'now').mockReturnValue(now)
}

async function documentAt(domain: string, path: string): Promise<Record<string, unknown>> {
  return (await fetch(domain + path)).json() as Promise<Record<string, unknown>>
}

describe('the keys of the tenant', () => {
  it('are fetched once for logins that arrive together, and not again for the next', async () => {
    const app = await start()
    const answers = await Promise.all(Array.from({ length: 10 }, () => app.login()))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
    await app.login().expect(200)
    expect(app.emulator.requestsTo(KEYS)).toHaveLength(1)
  })

  it('are fetched again after ten minutes', async () => {
    const app = await start()
    await app.login().expect(200)
    moveClock(599 * SECOND)
    await app.login().expect(200)
    expect(app.emulator.requestsTo(KEYS)).toHaveLength(1)
    moveClock(2 * SECOND)
    await app.login().expect(200)
    expect(app.emulator.requestsTo(KEYS)).toHaveLength(2)
  })

  it('are fetched again for an unknown key, at most every 30 seconds', async () => {
    const app = await start()
    const { keys } = (await documentAt(app.emulator.domain, KEYS)) as { keys: object[] }
    app.emulator.failNext({ path: KEYS, status: 200, body: { keys: keys.slice(0, 1) } })
    await app.login().expect(200)
    app.emulator.rotateSigningKeys()
    const { body } = await app.login().expect(500)
    expect(body.error).toBe('configuration_error')
    // The first request is this test's own.
    expect(app.emulator.requestsTo(KEYS)).toHaveLength(2)
    moveClock(31 * SECOND)
    await app.login().expect(200)
    expect(app.emulator.requestsTo(KEYS)).toHaveLength(3)
  })

  it.each([
    ['fails', { status: 500 }],
    ['is reset', { reset: true }],
    ['is not JSON', { status: 200, body: '<html>' }],
    ['is not a set of keys', { status: 200, body: {} }],
  ])('are fetched again by the next login when a request for them %s', async (_, fault) => {
    const app = await start()
    app.emulator.failNext({ ...fault, path: KEYS })
    await app.login().expect(503)
    await app.login().expect(200)
  })

  it('are not waited for longer than the request deadline', async () => {
    const app = await start({ options: { timeouts: { auth0: 200 } } })
    await app.auth.ready()
    app.emulator.failNext({ hang: true, path: KEYS })
    await app.login().expect(503)
    expect(app.events[0]!.detail).toMatch(/ERR_JWKS_TIMEOUT \(login at 127\.0\.0\.1/)
    await app.login().expect(200)
  })

  it('are fetched like everything else', async () => {
    const asked: string[] = []
    const app = await start({
      seams: {
        fetch: (url, init) => {
          asked.push(new URL(url).pathname)
          return fetch(url, init)
        },
      },
    })
    await app.login().expect(200)
    expect(asked).toEqual([DISCOVERY, '/oauth/token', KEYS])
  })

  it('are not fetched where the client secret is the key', async () => {
    const app = await start({ options: { idTokenSigningAlg: 'HS256' }, emulator: { idTokenSigningAlg: 'HS256' } })
    await app.login().expect(200)
    expect(app.emulator.requestsTo(KEYS)).toEqual([])
  })

  it('missing from the discovery document fail a login with a detail that says so', async () => {
    const app = await start()
    const { jwks_uri: _, ...body } = await documentAt(app.emulator.domain, DISCOVERY)
    app.emulator.failNext({ path: DISCOVERY, status: 200, body })
    await app.login().expect(503)
    expect(app.events[0]!.detail).toBe('the discovery document of the tenant has no jwks_uri')
    expect(app.emulator.requestsTo(KEYS)).toEqual([])
  })
})

describe('an ID token', () => {
  const credentials = { username: ada.email, password: ada.password }

  it.each(['RS256', 'PS256', 'HS256'] as const)('signed with %s is accepted only for that algorithm', async (alg) => {
    const app = await start({ options: { idTokenSigningAlg: alg }, emulator: { idTokenSigningAlg: alg } })
    const { idToken = '' } = await app.auth.client.getTokenByPassword(credentials)
    const signature = Buffer.from(idToken.split('.')[2]!, 'base64url')
    signature[0]! ^= 1
    const altered = `${idToken.slice(0, idToken.lastIndexOf('.'))}.${signature.toString('base64url')}`
    const answer = { access_token: 'opaque', token_type: 'Bearer', expires_in: 60 }
    app.emulator.failNext({ status: 200, body: { ...answer, id_token: idToken } })
    await app.login().expect(200)
    app.emulator.failNext({ status: 200, body: { ...answer, id_token: altered } })
    const { body } = await app.login().expect(500)
    expect(body.error).toBe('configuration_error')
  })
})
