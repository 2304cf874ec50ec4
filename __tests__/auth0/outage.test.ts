import { describe, expect, it } from '@jest/globals'
import { ApiError, type AuthError, ConfigurationError } from '../../lib/index.ts'
import { freePort } from '../support/ports.ts'
import { startApp, type TestApp, type TestAppOptions } from '../support/app.ts'

const DISCOVERY = '/.well-known/openid-configuration'

type Fault = Parameters<Awaited<ReturnType<typeof startApp>>['emulator']['failNext']>[0]

describe('a login while Auth0', () => {
  const start = (settings: TestAppOptions = {}) =>
    startApp({ store: 'memory', ...settings, options: { timeouts: { auth0: 1000 }, ...settings.options } })

  it.each<[string, Fault, RegExp]>([
    ['hangs', { hang: true }, /OAUTH_TIMEOUT \(login at/],
    ['resets the connection', { reset: true }, /UND_ERR_SOCKET|ECONNRESET/],
    ['answers 200 in HTML', { status: 200, body: '<html>' }, /OAUTH_[A-Z_]+ \(login at/],
  ])('%s tells operators the code, the step and the host', async (_, fault, detail) => {
    const app = await start()
    const { auth, emulator, events } = app
    await auth.ready()
    emulator.failNext(fault)
    const { body } = await app.login().expect(503)
    expect(events[0]!.detail).toMatch(detail)
    expect(events[0]!.detail).toContain(`(login at ${new URL(emulator.domain).host})`)
    expect(JSON.stringify(body)).not.toMatch(/OAUTH|UND_ERR|127\.0\.0\.1/)
  })

  it.each<[string, Fault, RegExp]>([
    ['answers 503 to discovery', { status: 503, body: '' }, /^auth_unavailable: Auth0 answered 503 .*\(discovery at/],
    ['throttles discovery', { status: 429, body: {} }, /^auth_unavailable: Auth0 answered 429 .*\(discovery at/],
  ])('%s does not blame the domain', async (_, fault, detail) => {
    const app = await start()
    app.emulator.failNext({ ...fault, path: DISCOVERY })
    await app.login().expect(503)
    expect(app.events[0]!.detail).toMatch(detail)
    expect(app.events[0]!.detail).not.toContain('domain')
  })
})

describe('a login with a wrong domain', () => {
  const expectLogged = ({ logged }: TestApp, answered: string, domain: string) => {
    expect(logged).toHaveLength(1)
    const { detail } = JSON.parse(logged[0]!) as { detail: string }
    expect(detail).toBe(`auth_unavailable: ${answered} (discovery at ${new URL(domain).host}): check the domain option`)
  }

  it.each([
    ['a host that does not exist', async () => 'https://nowhere.invalid', 'ENOTFOUND'],
    ['a port that refuses connections', async () => `http://127.0.0.1:${await freePort()}`, 'ECONNREFUSED'],
  ])('%s: the log names the option and the error', async (_, find, code) => {
    const domain = await find()
    const app = await startApp({ store: 'memory', options: { domain } })
    const { body } = await app.login().expect(503)
    expectLogged(app, `unreachable ${code}`, domain)
    expect(JSON.stringify(body)).not.toMatch(/domain|E[A-Z]{5}/)
  })

  it.each<[string, Fault, string]>([
    [
      'answers 404',
      { status: 404, body: { error: 'not_found', error_description: 'Unknown host: id.example.com' } },
      'expected a discovery document but got HTTP 404 not_found Unknown host: id.example.com OAUTH_RESPONSE_IS_NOT_CONFORM',
    ],
    [
      'redirects',
      { status: 302, body: '', headers: { location: 'https://example.com' } },
      'expected a discovery document but got HTTP 302 OAUTH_RESPONSE_IS_NOT_CONFORM',
    ],
    [
      'answers a web page',
      { status: 200, body: '<html>', headers: { 'content-type': 'text/html' } },
      'expected a discovery document but got HTTP 200 OAUTH_RESPONSE_IS_NOT_JSON',
    ],
    ['answers JSON that is no discovery document', { status: 200, body: {} }, 'malformed OAUTH_INVALID_RESPONSE'],
  ])('a host that %s: the log names the option and the answer', async (_, fault, answered) => {
    const app = await startApp({ store: 'memory' })
    app.emulator.failNext({ ...fault, path: DISCOVERY })
    await app.login().expect(503)
    expectLogged(app, answered, app.emulator.domain)
  })
})

describe('auth.ready', () => {
  const dead = async (domain: string) => {
    const redis = `redis://127.0.0.1:${await freePort()}`
    const { auth } = await startApp({ options: { domain, redis, timeouts: { redis: 200 } } })
    return (await auth.ready().catch((err: unknown) => err)) as AuthError
  }

  it('reports both if Auth0 and Redis are down', async () => {
    const err = await dead(`http://127.0.0.1:${await freePort()}`)
    expect(err).toBeInstanceOf(ApiError)
    expect(err.detail).toMatch(/^auth_unavailable: .*discovery.*; .*[Rr]edis|^auth_unavailable: .*; .*store/)
  })

  it('rejects with ConfigurationError if the domain is wrong, and also reports Redis', async () => {
    const { emulator } = await startApp({ store: 'memory' })
    const err = await dead(emulator.domain.replace('127.0.0.1', 'localhost'))
    expect(err).toBeInstanceOf(ConfigurationError)
    expect(err.detail).toMatch(/^domain responds.*; /)
  })
})
