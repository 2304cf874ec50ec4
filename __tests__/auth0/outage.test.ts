import { describe, expect, it } from '@jest/globals'
import { ApiError, ConfigurationError } from '../../lib/index.ts'
import { freePort } from '../support/ports.ts'
import { startApp, type TestAppOptions } from '../support/app.ts'

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

  it.each([
    ['is not to be found', async () => 'https://nowhere.invalid', /ENOTFOUND|EAI_AGAIN/],
    ['refuses connections', async () => `http://127.0.0.1:${await freePort()}`, /ECONNREFUSED/],
  ])('%s tells so', async (_, find, code) => {
    const domain = await find()
    const app = await start({ options: { domain, timeouts: { auth0: 5000 } } })
    const { events } = app
    await app.login().expect(503)
    expect(events[0]!.detail).toMatch(code)
    expect(events[0]!.detail).toContain(`(discovery at ${new URL(domain).host})`)
  })
})

describe('auth.ready', () => {
  const dead = async (domain: string) => {
    const redis = `redis://127.0.0.1:${await freePort()}`
    const { auth } = await startApp({ options: { domain, redis, timeouts: { redis: 200 } } })
    return (await auth.ready().catch((err: unknown) => err)) as Error
  }

  it('tells of both where Auth0 and Redis are down', async () => {
    const err = await dead(`http://127.0.0.1:${await freePort()}`)
    expect(err).toBeInstanceOf(ApiError)
    expect(err.message).toMatch(/^auth_unavailable: .*discovery.*; .*[Rr]edis|^auth_unavailable: .*; .*store/)
  })

  it('rejects with ConfigurationError where the domain is wrong, and tells of Redis, too', async () => {
    const { emulator } = await startApp({ store: 'memory' })
    const err = await dead(emulator.domain.replace('127.0.0.1', 'localhost'))
    expect(err).toBeInstanceOf(ConfigurationError)
    expect(err.message).toMatch(/^domain answers.*; /)
  })
})
