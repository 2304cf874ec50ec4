import { describe, expect, it } from '@jest/globals'
import { ConfigurationError, createRopgAuth } from '../../lib/index.ts'
import { secret, startApp } from '../support/app.ts'

/** An instance whose tenant answers every request with a discovery document of this issuer. */
function authOf(domain: string, issuer: string) {
  const asked: string[] = []
  const answer = (url: unknown) => {
    asked.push(String(url))
    return Promise.resolve(Response.json({ issuer, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks` }))
  }
  const options = {
    domain,
    clientId: 'client',
    clientSecret: 'client secret',
    logger: false,
    session: { secret },
  } as const
  return { asked, auth: createRopgAuth(options, { fetch: answer }) }
}

describe('domain', () => {
  it.each([
    ['id.example.com', 'https://id.example.com/'],
    ['https://id.example.com/realms/one', 'https://id.example.com/realms/one'],
    ['https://id.example.com/realms/one/', 'https://id.example.com/realms/one/'],
  ])('%s finds the tenant that calls itself %s', async (domain, issuer) => {
    const { auth, asked } = authOf(domain, issuer)
    await auth.ready()
    expect(asked).toEqual([`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`])
    await auth.close()
  })

  it.each([
    ['alias.example.com', 'https://tenant.eu.auth0.com/'],
    ['https://id.example.com/realms/one/', 'https://id.example.com/realms/one'],
  ])('%s of a tenant that calls itself %s is a ConfigurationError that names it', async (domain, issuer) => {
    const { auth } = authOf(domain, issuer)
    const err: unknown = await auth.ready().catch((err: unknown) => err)
    expect(err).toBeInstanceOf(ConfigurationError)
    expect((err as ConfigurationError).detail).toMatch(/^domain responds as a different issuer/)
    await auth.close()
  })

  it('of another tenant: a login answers 500, and the log says why', async () => {
    const app = await startApp({ store: 'memory' })
    const options = { domain: app.emulator.domain.replace('127.0.0.1', 'localhost') }
    const other = await startApp({ store: 'memory', emulator: app.emulator, options })
    const { body, headers } = await other.login().expect(500)
    expect([body.error, headers['retry-after']]).toEqual(['configuration_error', undefined])
    expect(other.events[0]!.detail).toMatch(/^domain responds/)
  })
})
