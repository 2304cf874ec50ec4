import { describe, expect, it } from '@jest/globals'
import { complete, environment, errorFor, messageFor, resolve, secret, tenant } from './support.ts'

const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [string, string, string]

describe('environment variables', () => {
  it('are overridden by options', () => {
    const config = resolve(
      { ...complete, redis: 'redis://option' },
      { ...environment, REDIS_URL: 'redis://environment' },
    )
    expect(config).toMatchObject({ clientId: 'client', clientSecret: 'client secret', redis: 'redis://option' })
    expect(config.issuer.hostname).toBe('tenant.eu.auth0.com')
    expect(config.session.secrets).toEqual([secret])
  })

  it('are used for missing options', () => {
    const config = resolve({ session: { prefix: 'app:' } }, { ...environment, REDIS_URL: 'redis://environment' })
    expect(config).toMatchObject({
      clientId: 'client of the environment',
      clientSecret: 'secret of the environment',
      redis: 'redis://environment',
      session: { secrets: ['session-secret-of-the-environment'], prefix: 'app:' },
    })
    expect(config.issuer.hostname).toBe('env.eu.auth0.com')
  })

  it('count as not set if they are empty or blank', () => {
    expect(resolve(complete, { AUTH0_DOMAIN: '', SESSION_SECRET: ' \n', REDIS_URL: '' }).redis).toBeUndefined()
  })

  it('leave AUTH0_CLIENT_SECRET out if clientAuth is given', () => {
    const clientAuth = () => undefined
    expect(resolve({ clientAuth }, environment)).toMatchObject({ clientAuth, clientSecret: undefined })
  })

  it('are trimmed', () => {
    const padded = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, ` ${value}\r\n`]))
    const config = resolve({}, { ...padded, REDIS_URL: 'redis://environment\n' })
    expect(config).toMatchObject({
      clientId: 'client of the environment',
      clientSecret: 'secret of the environment',
      redis: 'redis://environment',
      session: { secrets: ['session-secret-of-the-environment'] },
    })
    expect(config.issuer.href).toBe('https://env.eu.auth0.com/')
  })

  it('are named if their value is invalid', () => {
    const named = (env: object) => errorFor({}, { ...environment, ...env }).message
    expect(named({ AUTH0_DOMAIN: 'my-tenant' })).toMatch(/^domain \(from AUTH0_DOMAIN\) has no dot/)
    expect(named({ AUTH0_CLIENT_ID: 'YOUR_CLIENT_ID' })).toMatch(/^clientId \(from AUTH0_CLIENT_ID\) is still/)
    expect(named({ AUTH0_CLIENT_SECRET: '"x"' })).toMatch(/^clientSecret \(from AUTH0_CLIENT_SECRET\) is wrapped/)
    expect(named({ REDIS_URL: 'localhost:6379' })).toMatch(/^redis \(from REDIS_URL\) must be/)
    expect(named({ SESSION_SECRET: 'short' })).toMatch(/^session\.secret \(from SESSION_SECRET\) must be at least 32/)
  })

  it('are not named if the value comes from an option', () => {
    expect(messageFor({ domain: 'my-tenant' }, environment)).toMatch(/^domain has no dot/)
  })
})

describe('options that a variable can hold', () => {
  it('are trimmed, because a mounted secret ends with a newline', () => {
    const written = { domain: ' tenant.eu.auth0.com\n', clientId: 'client\n', clientSecret: 'client secret\r\n' }
    const config = resolve({ ...written, redis: 'redis://localhost\n', session: { secret: [`${one}\n`, ` ${two}`] } })
    expect(config).toMatchObject({ clientId: 'client', clientSecret: 'client secret', redis: 'redis://localhost' })
    expect(config.issuer.href).toBe('https://tenant.eu.auth0.com/')
    expect(config.session.secrets).toEqual([one, two])
  })

  it('must be long enough without the whitespace', () => {
    expect(messageFor({ session: { secret: `short${' '.repeat(40)}` } })).toMatch(
      /^session\.secret must be at least 32/,
    )
  })
})

describe('SESSION_SECRET', () => {
  const secretsOf = (value: string, options: object = tenant) =>
    resolve(options, { SESSION_SECRET: value }).session.secrets

  it.each([
    ['one secret', one, [one]],
    ['a comma', `${one},${two}`, [one, two]],
    ['a space', `${one} ${two}`, [one, two]],
    ['commas, spaces and newlines', `${one}, ${two},\n${three},`, [one, two, three]],
    ['a repeated secret', `${one},${two},${one}`, [one, two]],
  ])('may hold %s', (_name, value, secrets) => {
    expect(secretsOf(value)).toEqual(secrets)
  })

  it('is split if the caller passes it, too', () => {
    const value = `${one},${two}`
    expect(secretsOf(value, { ...tenant, session: { secret: value } })).toEqual([one, two])
    expect(secretsOf('', { ...tenant, session: { secret: value } })).toEqual([value])
  })

  it('is reported as split if a part is too short', () => {
    expect(errorFor(tenant, { SESSION_SECRET: `${one} short` }).message).toBe(
      'session.secret (part 2 of SESSION_SECRET, which was split at spaces and commas) ' +
        'must be at least 32 characters long: generate one with openssl rand -base64 48',
    )
    expect(errorFor(tenant, { SESSION_SECRET: `a, b,${one}` }).message).toMatch(
      /^session\.secret \(parts 1, 2 of SESSION_SECRET, which was split/,
    )
  })

  it('is refused in quotes, also with several secrets', () => {
    for (const value of [`"${one}"`, `"${one},${two}"`, `'${one} ${two}'`]) {
      expect(errorFor(tenant, { SESSION_SECRET: value }).message).toMatch(
        /^session\.secret \(from SESSION_SECRET\) is wrapped in quotes: remove them/,
      )
    }
  })
})
