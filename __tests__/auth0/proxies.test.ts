import { afterEach, describe, expect, it } from '@jest/globals'
import { proxiesOf } from '../../lib/auth0/proxies.ts'
import { ConfigurationError, createRopgAuth } from '../../lib/index.ts'
import { secret } from '../support/app.ts'

describe('proxiesOf', () => {
  it.each([
    ['proxy:3128', 'http://proxy:3128'],
    ['10.0.0.1:3128', 'http://10.0.0.1:3128'],
    ['[::1]:3128', 'http://[::1]:3128'],
    ['proxy', 'http://proxy'],
    ['user:secret@proxy:3128', 'http://user:secret@proxy:3128'],
    [' proxy:3128\n', 'http://proxy:3128'],
    ['http://proxy:3128', 'http://proxy:3128'],
    ['HTTPS://user:p%40ss@proxy/', 'HTTPS://user:p%40ss@proxy/'],
    ['socks5://proxy:1080', 'socks5://proxy:1080'],
    ['', ''],
    [undefined, ''],
  ])('reads %j as %j', (written, proxy) => {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy']) {
      const { httpProxy, httpsProxy } = proxiesOf({ [name]: written })
      expect([httpProxy, httpsProxy]).toEqual(/https/i.test(name) ? ['', proxy] : [proxy, ''])
    }
  })

  it('prefers the lowercase spelling, even if it is empty', () => {
    const upperCase = { HTTP_PROXY: 'upper', HTTPS_PROXY: 'upper', NO_PROXY: 'upper' }
    const found = { httpProxy: 'http://lower', httpsProxy: '', noProxy: 'lower' }
    expect(proxiesOf({ ...upperCase, http_proxy: 'lower', https_proxy: '', no_proxy: 'lower' })).toEqual(found)
  })

  it.each(['http://', 'proxy:port', 'two words', '"http://proxy:3128"', 'ftp://proxy', '://', 'http://user:10%@proxy'])(
    'refuses %j',
    (written) => {
      for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy']) {
        expect(() => proxiesOf({ [name]: written })).toThrow(ConfigurationError)
        expect(() => proxiesOf({ [name]: written })).toThrow(
          new RegExp(`^${name} must be a URL such as http://proxy.example.com:3128$`),
        )
      }
    },
  )
})

describe('createRopgAuth', () => {
  const before = process.env.https_proxy

  afterEach(() => {
    if (before === undefined) Reflect.deleteProperty(process.env, 'https_proxy')
    else process.env.https_proxy = before
  })

  it('throws a ConfigurationError for a proxy that is not a URL, without its password', () => {
    process.env.https_proxy = 'http://user:canary@proxy:port'
    const create = () =>
      createRopgAuth({
        domain: 'tenant.example.com',
        clientId: 'client',
        clientSecret: 'client secret',
        session: { secret },
        logger: false,
      })
    expect(create).toThrow(ConfigurationError)
    expect(create).toThrow(/^https_proxy must be a URL such as http:\/\/proxy\.example\.com:3128$/)
  })
})
