import { afterEach, describe, expect, it } from '@jest/globals'
import { createRopgAuth, type CookieOptions, type RopgAuth } from '../../lib/index.ts'
import { secret } from '../support/app.ts'

const open: RopgAuth[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((auth) => auth.close()))
})

/** Creates an instance and returns its cookie warnings. */
function create(cookie: CookieOptions = {}, more: object = {}) {
  const warnings: unknown[][] = []
  const ignore = () => undefined
  const logger = { info: ignore, warn: (...line: unknown[]) => void warnings.push(line), error: ignore }
  const tenant = { domain: 'one.eu.auth0.com', clientId: 'client', clientSecret: 'client-secret' }
  const auth = createRopgAuth({ ...tenant, ...more, session: { secret, cookie }, logger })
  open.push(auth)
  return { auth, warnings }
}

describe('two open instances in one process', () => {
  it.each<[title: string, first: CookieOptions, second: CookieOptions]>([
    ['the defaults', {}, {}],
    ['a name', { name: 'sid' }, { name: 'sid' }],
    ['name, path and domain', { name: 'x', path: '/a', domain: 'a.com' }, { name: 'x', path: '/a', domain: 'a.com' }],
    ['a domain in another spelling', { domain: 'Example.com' }, { domain: '.example.com' }],
    ['the default path', { path: '/' }, {}],
  ])('that share %s get a warning that names session.cookie.name', (_title, cookie, other) => {
    const first = create(cookie)
    const second = create(other, { domain: 'two.eu.auth0.com' })
    expect(first.warnings).toEqual([])
    expect(second.warnings).toEqual([
      [
        { option: 'session.cookie.name', cookie: cookie.name ?? 'auth' },
        expect.stringMatching(/same name, path and domain.*set a different session\.cookie\.name/),
      ],
    ])
  })

  it.each<[title: string, first: CookieOptions, second: CookieOptions]>([
    ['name', { name: 'a' }, { name: 'b' }],
    ['path', { path: '/a' }, { path: '/b' }],
    ['domain', { domain: 'a.com' }, { domain: 'b.com' }],
    ['domain, of which one has none', {}, { domain: 'b.com' }],
  ])('get none with a different %s', (_title, cookie, other) => {
    expect([create(cookie), create(other)].flatMap(({ warnings }) => warnings)).toEqual([])
  })

  it('get one warning for any number of instances', () => {
    expect([create(), create(), create()].flatMap(({ warnings }) => warnings)).toHaveLength(1)
  })

  it('get none if the first was closed before', async () => {
    const first = create()
    await first.auth.close()
    await first.auth.close()
    expect(create().warnings).toEqual([])
    expect(create().warnings).toHaveLength(1)
  })

  it('get none if the first could not be created', () => {
    expect(() => create({}, { domain: 'no-dot' })).toThrow()
    expect(create().warnings).toEqual([])
  })
})
