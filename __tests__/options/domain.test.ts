import { describe, expect, it } from '@jest/globals'
import { complete, messageFor, resolve } from './support.ts'

describe('domain', () => {
  it.each([
    ['tenant.eu.auth0.com', 'https://tenant.eu.auth0.com/'],
    [' tenant.eu.auth0.com\n', 'https://tenant.eu.auth0.com/'],
    ['TENANT.eu.auth0.com', 'https://tenant.eu.auth0.com/'],
    ['tenant.eu.auth0.com/', 'https://tenant.eu.auth0.com/'],
    ['login.example.com', 'https://login.example.com/'],
    ['login.yourcompany.com', 'https://login.yourcompany.com/'],
    ['https://login.example.com', 'https://login.example.com/'],
    ['https://login.example.com/', 'https://login.example.com/'],
    ['https://id.example.com/realms/one', 'https://id.example.com/realms/one'],
    ['https://id.example.com/realms/one/', 'https://id.example.com/realms/one/'],
    ['https://id.example.com/oauth2/default', 'https://id.example.com/oauth2/default'],
    ['https://id.example.com:8443/realms/one', 'https://id.example.com:8443/realms/one'],
    ['https://10.0.0.1', 'https://10.0.0.1/'],
    ['https://[::2]', 'https://[::2]/'],
    ['localhost:3000', 'https://localhost:3000/'],
    ['http://localhost:3000', 'http://localhost:3000/'],
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000/'],
    ['http://[::1]:3000', 'http://[::1]:3000/'],
  ])('%j is the issuer %s', (domain, issuer) => {
    expect(resolve({ ...complete, domain }).issuer.href).toBe(issuer)
  })

  const quotes = 'contains quotes: remove them (some tools, such as docker --env-file, do not strip quotes)'
  const placeholder =
    'is still a placeholder: copy the value from the Auth0 Dashboard, Applications > your application > Settings'
  const endpoint =
    'ends with an endpoint path such as /oauth/token: use the host name alone, such as tenant.eu.auth0.com'
  const noDot = 'has no dot in its host name: use the full domain, such as tenant.eu.auth0.com'
  const http = 'uses http:, which is allowed only for loopback hosts: use https:'
  const extras =
    'must not contain credentials, a query or a fragment: use the host name alone, such as tenant.eu.auth0.com'
  const noHost = 'must be a host name such as tenant.eu.auth0.com, or an issuer URL'

  it.each([
    ['"tenant.eu.auth0.com"', quotes],
    ["'https://tenant.eu.auth0.com'", quotes],
    ['tenant.eu.auth0.com"', quotes],
    ['“tenant.eu.auth0.com”', quotes],
    ['‘tenant.eu.auth0.com’', quotes],
    ['YOUR_DOMAIN', placeholder],
    ['https://YOUR_DOMAIN/', placeholder],
    ['YOUR_AUTH0_DOMAIN', placeholder],
    ['<tenant>', placeholder],
    ['<tenant>.eu.auth0.com', placeholder],
    ['https://<tenant>.eu.auth0.com', placeholder],
    ['{yourDomain}', placeholder],
    ['https://{yourDomain}', placeholder],
    ['your-tenant', placeholder],
    ['your-tenant.eu.auth0.com', placeholder],
    ['your-tenant...', placeholder],
    ['yourTenant.auth0.com', placeholder],
    ['${AUTH0_DOMAIN}', placeholder],
    ['$AUTH0_DOMAIN', placeholder],
    ['https://tenant.eu.auth0.com/oauth/token', endpoint],
    ['https://tenant.eu.auth0.com/oauth/token/', endpoint],
    ['tenant.eu.auth0.com/oauth/token', endpoint],
    ['https://tenant.eu.auth0.com/authorize', endpoint],
    ['https://tenant.eu.auth0.com/userinfo', endpoint],
    ['https://tenant.eu.auth0.com/v2/logout', endpoint],
    ['https://tenant.eu.auth0.com/api/v2/', endpoint],
    ['https://tenant.eu.auth0.com/.well-known/openid-configuration', endpoint],
    ['https://tenant.eu.auth0.com/.well-known/jwks.json', endpoint],
    ['https://id.example.com/realms/one/protocol/openid-connect/token', endpoint],
    ['http://localhost:3000/oauth/token', endpoint],
    ['my-tenant', noDot],
    ['https://my-tenant', noDot],
    ['http://my-tenant', noDot],
    ['my-tenant.', noDot],
    ['undefined', noDot],
    ['http://tenant.eu.auth0.com', http],
    ['http://localhost.example.com', http],
    ['http://127.0.0.1.example.com', http],
    ['http://10.0.0.1', http],
    ['http://[::2]', http],
    ['https://tenant.auth0.com/?a=b', extras],
    ['https://tenant.auth0.com/#top', extras],
    ['https://user:pass@tenant.auth0.com', extras],
    ['https://:pass@tenant.auth0.com', extras],
    ['https://', noHost],
    ['not a host', noHost],
    ['tenant.\neu.auth0.com', noHost],
    ['a.auth0.com,b.auth0.com', noHost],
    ['ftp://tenant.auth0.com', 'must use https:'],
  ])('refuses %j and says what to do', (domain, expected) => {
    expect(messageFor({ domain })).toBe(`domain ${expected}`)
  })
})
