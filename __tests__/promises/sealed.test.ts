import { inspect } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import type { RopgAuth } from '../../lib/index.ts'
import { ada, secret } from '../support/app.ts'
import {
  keyOf,
  keysOf,
  logIn,
  logInAndExpire,
  openVault,
  refreshes,
  refusal,
  revoked,
  type Site,
  startSite,
  startTwin,
  storedTokens,
  until,
} from './support/site.ts'

const grace = { email: 'grace@example.com', password: 'nanoseconds of wire', name: 'Grace Hopper' }
const API = 'https://api.example.com'
const newSecret = 'the secret that comes after the one that was first'

/** Every key and every value as text. */
async function dump(site: Site): Promise<string[]> {
  const { redis } = site
  const read = async (key: string) => {
    const type = await redis.type(key)
    if (type === 'hash') {
      const fields = Object.entries(await redis.hgetallBuffer(key))
      return fields.flatMap(([field, value]) => [field, value.toString('latin1'), value.toString()])
    }
    expect(type).toBe('string')
    return [await redis.get(key)]
  }
  const keys = await keysOf(site)
  return (await Promise.all(keys.map(async (key) => [key, ...(await read(key))]))).flat().map(String)
}

/** The texts, and the same texts decoded as base64. */
function withDecoded(texts: string[]): string {
  const parts = texts.flatMap((text) => text.split(/[^\w+/=-]+/))
  return [...texts, ...parts.map((part) => Buffer.from(part, 'base64').toString('latin1'))].join('\n')
}

/** Everything that must not be readable: issued by Auth0, entered by users, or configured. */
function secretsOf(site: Site, tokens: (string | undefined)[]): string[] {
  const spent = refreshes(site).map(({ params }) => String(params.refresh_token))
  return [...tokens.map(String), ...spent, ada.password, grace.password, secret, site.emulator.clientSecret]
}

describe('everything stored in Redis', () => {
  it('promise 7: contains no token, password, or secret after logins, refreshes, limits, writes, and a logout', async () => {
    const site = await startSite({
      emulator: { users: [ada, grace], leeway: 60 },
      options: { audience: API, exposeTokens: true, rateLimit: { subnet: { limit: 1, windowMs: 60_000 } } },
      after: (app, auth) => {
        app.get('/write', auth.session, auth.requireAuth, async (req, res) => {
          await req.auth.getAccessToken()
          Object.assign(req.session, { cart: ['book'] })
          res.json({})
        })
      },
    })
    const one = await logInAndExpire(site)
    const two = await logIn(site, grace)
    const left = await logIn(site)
    await site.send('POST', '/auth/logout', { cookie: left.cookie })
    const limited = { email: grace.email, password: 'wrong' }
    const statuses = [
      await site.send('POST', '/auth/login', { body: limited }),
      await site.send('POST', '/auth/login', { body: limited }),
    ].map(({ status }) => status)
    const { body } = await site.get('/token', one.cookie)
    await site.get('/write', one.cookie)
    // Includes a held lock.
    site.clock.advance(86_400)
    const gate = site.emulator.hold({ grantType: 'refresh_token' })
    const held = site.get('/token', two.cookie)
    await gate.arrived

    const texts = await dump(site)
    gate.release()

    expect(statuses).toEqual([401, 429])
    expect(
      texts.filter((text) => /:(?:s|l|u|rl):/.test(text)).map((key) => /:(s|l|u):/.exec(key)?.[1] ?? 'rl'),
    ).toEqual(expect.arrayContaining(['s', 'l', 'u', 'rl']))
    const logins = [one, two, left].flatMap(({ answer }) => [answer.body.access_token, answer.body.refresh_token])
    const stored = await Promise.all([one, two].map(({ id }) => storedTokens(site, id)))
    const now = stored.flatMap((tokens) => [tokens!.refreshToken, ...tokens!.tokenSets.map((set) => set.accessToken)])
    const readable = withDecoded(texts)
    for (const secretText of secretsOf(site, [...logins, ...now, body.accessToken])) {
      expect(secretText.length).toBeGreaterThan(10)
      expect(readable).not.toContain(secretText)
    }
    expect(readable).not.toMatch(/eyJ[\w-]{10,}\.[\w-]{10,}/)
    expect(readable).not.toMatch(/"(?:access|refresh|id)_?token"/i)
    // The user is unreadable too: claims and scopes are part of the sealed login.
    for (const text of [ada.email, ada.name, grace.email, grace.name, 'openid profile']) {
      expect(readable).not.toContain(text)
    }
    expect(readable).toContain('book')
    expect((await held).status).toBe(200)
  })

  it('promise 7: has no key that identifies a user, including rate limit keys', async () => {
    const site = await startSite({ options: { rateLimit: { subnet: { limit: 2, windowMs: 60_000 } } } })
    await logIn(site)
    for (let attempt = 0; attempt < 3; attempt++) {
      await site.send('POST', '/auth/login', { body: { email: ada.email, password: 'wrong' } })
    }

    const keys = (await keysOf(site)).join('\n')

    expect(keys).toMatch(/rl:/)
    expect(keys).not.toMatch(/ada|example\.com|auth0\|/i)
    expect(keys).not.toContain(site.emulator.users.get(ada.email)!.sub)
  })
})

describe('a session record', () => {
  async function twoUsers() {
    const site = await startSite({ emulator: { users: [ada, grace] } })
    const [one, two] = [await logIn(site), await logIn(site, grace)]
    const [from, to] = [await keyOf(site, { kind: 's', id: one.id }), await keyOf(site, { kind: 's', id: two.id })]
    return { site, one, two, from, to }
  }

  it.each([
    ['as a whole', ['l', 't', 'd', 'i', 'e', 's']],
    ['its login', ['l']],
  ])('promise 7: does not open if copied to another session: %s', async (_name, fields) => {
    const { site, one, two, from, to } = await twoUsers()
    const values = await site.redis.hmgetBuffer(from, ...fields)
    await site.redis.hset(to, Object.fromEntries(fields.map((field, place) => [field, values[place]!])))

    for (const path of ['/me', '/token', '/auth/user']) {
      const { status, body } = await site.get(path, two.cookie)
      expect([path, status, body]).toEqual([path, 401, refusal('session_expired')])
    }
    expect((await site.get('/me', one.cookie)).body.user.email).toBe(ada.email)
  })

  it('promise 7: does not open if copied to an id that an attacker has a cookie for', async () => {
    const { site, from } = await twoUsers()
    // An attacker with write access to Redis has a valid cookie of an ended session.
    const visitor = await logIn(site, grace)
    await site.send('POST', '/auth/logout', { cookie: visitor.cookie })
    await site.redis.hset(await keyOf(site, { kind: 's', id: visitor.id }), await site.redis.hgetallBuffer(from))

    expect((await site.get('/me', visitor.cookie)).body).toEqual(refusal('session_expired'))
  })

  it('promise 7: returns no tokens copied from another session', async () => {
    const { site, two, from, to } = await twoUsers()
    await site.redis.hset(to, 't', (await site.redis.hgetBuffer(from, 't'))!)

    const { status, body } = await site.get('/token', two.cookie)

    expect([status, body]).toEqual([401, refusal('session_expired')])
    expect(await storedTokens(site, two.id)).toBeUndefined()
  })

  it('promise 7: does not accept its login as tokens or its tokens as a login', async () => {
    const { site, one, two, from, to } = await twoUsers()
    await write(site, from, { l: (await read(site, from, 't')).slice(3) })
    await write(site, to, { t: `1.-${await read(site, to, 'l')}` })

    expect((await site.get('/me', one.cookie)).body).toEqual(refusal('session_expired'))
    expect((await site.get('/token', two.cookie)).body).toEqual(refusal('session_expired'))
  })

  it('promise 7: does not open under another version, so that an old copy cannot be replayed', async () => {
    const { site, one, from } = await twoUsers()
    const value = await read(site, from, 't')
    await write(site, from, { t: value.replace(/^1\./, '2.') })

    expect((await site.get('/token', one.cookie)).body).toEqual(refusal('session_expired'))
    await write(site, from, { t: value })
    expect((await site.get('/token', one.cookie)).status).toBe(200)
  })

  it('promise 7: does not open for another tenant or prefix', async () => {
    const { site, one, from } = await twoUsers()
    const elsewhere = openVault(site, { prefix: `${site.prefix}other:` })
    expect((await storedTokens(site, one.id))?.version).toBe(1)

    await site.redis.hset(`${site.prefix}other:s:${one.id}`, await site.redis.hgetallBuffer(from))
    await site.redis.pexpire(`${site.prefix}other:s:${one.id}`, 60_000)

    expect(await elsewhere.tokens(one.id)).toBe('sealed')
  })

  const tampering: [string, (value: string) => string][] = [
    ['a flipped bit', (value) => flipLastByte(value)],
    ['a cut', (value) => value.slice(0, -8)],
    ['nothing', () => ''],
    ['plain JSON', () => `1.-${JSON.stringify({ refreshToken: 'mine', tokenSets: [] })}`],
    ['a short text', () => '1.-AAAA'],
  ]

  it.each(tampering)('promise 7: returns no tokens after tampering with them: %s', async (_name, tamper) => {
    const { site, one, two, from } = await twoUsers()
    await write(site, from, { t: tamper(await read(site, from, 't')) })

    const { status, body } = await site.get('/token', one.cookie)

    expect([status, body]).toEqual([401, refusal('session_expired')])
    expect((await site.get('/token', two.cookie)).status).toBe(200)
    expect((await site.send('POST', '/auth/logout', { cookie: one.cookie })).status).toBe(200)
  })

  it.each<[string, (value: string) => string]>([
    ['a flipped bit', (value) => flipLastByte(value)],
    ['nothing', () => ''],
    [
      'plain JSON',
      () => JSON.stringify({ sub: 'auth0|admin', handle: 'x', user: {}, scope: '', since: 0, until: 9e15 }),
    ],
  ])('promise 7: logs nobody in after tampering with the login: %s', async (_name, tamper) => {
    const { site, one, from } = await twoUsers()
    await write(site, from, { l: tamper(await read(site, from, 'l')) })

    for (const path of ['/me', '/token']) {
      expect((await site.get(path, one.cookie)).body).toEqual(refusal('session_expired'))
    }
  })

  it('promise 7: is sealed with a new nonce each time', async () => {
    const site = await startSite()
    const { cookie, id } = await logIn(site)
    const key = await keyOf(site, { kind: 's', id })
    const values = [await read(site, key, 't')]
    for (const _round of [1, 2]) {
      site.clock.advance(86_400)
      await site.get('/token', cookie)
      values.push(await read(site, key, 't'))
    }

    // Key id, then nonce.
    const nonces = values.map((value) => value.slice(3 + 4, 3 + 16))
    expect(new Set(nonces).size).toBe(3)
  })
})

function flipLastByte(value: string): string {
  const bytes = Buffer.from(value, 'latin1')
  bytes[bytes.length - 1]! ^= 1
  return bytes.toString('latin1')
}

/** A field as one character per byte. */
async function read(site: Site, key: string, field: string): Promise<string> {
  return (await site.redis.hgetBuffer(key, field))!.toString('latin1')
}

async function write(site: Site, key: string, fields: Record<string, string>): Promise<void> {
  const entries = Object.entries(fields).map(([field, value]) => [field, Buffer.from(value, 'latin1')])
  await site.redis.hset(key, Object.fromEntries(entries))
}

describe('the rotation of session.secret', () => {
  const keyIdOf = (value: string) => value.slice(3, 3 + 4)

  async function rotated() {
    const site = await startSite()
    const next = await startTwin(site, { options: { session: { secret: [newSecret, secret] } } })
    const loggedIn = await logInAndExpire(site)
    return { site, next, ...loggedIn, key: await keyOf(site, { kind: 's', id: loggedIn.id }) }
  }

  it('promise 7: keeps old sessions alive, with their tokens', async () => {
    const { site, next, cookie } = await rotated()
    site.clock.advance(-61)

    expect((await next.get('/me', cookie)).status).toBe(200)
    expect((await next.get('/token', cookie)).body).toEqual((await site.get('/token', cookie)).body)
    expect(refreshes(site)).toHaveLength(0)
  })

  it('promise 7: seals with the new key at the next write', async () => {
    const { site, next, cookie, id, key } = await rotated()
    const before = keyIdOf(await read(site, key, 't'))

    expect((await next.get('/token', cookie)).status).toBe(200)

    expect(keyIdOf(await read(site, key, 't'))).not.toBe(before)
    const vault = openVault(site, { prefix: key.slice(0, key.indexOf(`s:${id}`)), secrets: [newSecret] })
    expect(await vault.tokens(id)).toMatchObject({ version: 2 })
    expect(await storedTokens(site, id)).toBeUndefined()
  })

  it('promise 7: seals new logins with the new key, and signs their cookies with it', async () => {
    const { site, next } = await rotated()
    const alone = await startTwin(site, { options: { session: { secret: newSecret } } })

    const { cookie } = await logIn(next)

    expect((await alone.get('/token', cookie)).status).toBe(200)
    expect((await site.get('/me', cookie)).status).toBe(401)
  })

  it('promise 7: ends old sessions once the old secret is gone', async () => {
    const { site, cookie } = await rotated()
    const alone = await startTwin(site, { options: { session: { secret: newSecret } } })

    const { status, body } = await alone.get('/me', cookie)

    expect([status, body]).toEqual([401, refusal('unauthenticated')])
  })

  it('promise 7: still revokes the refresh token of an old session', async () => {
    const { site, next, cookie, id } = await rotated()
    const { refreshToken } = (await storedTokens(site, id))!

    await next.send('POST', '/auth/logout', { cookie })

    await until(() => revoked(site).length === 1)
    expect(revoked(site)).toEqual([refreshToken])
  })
})

describe('req.session and req.auth', () => {
  it('promise 7: print no token with JSON.stringify or util.inspect, before or after a refresh', async () => {
    const printed: string[] = []
    const print = (value: unknown) => {
      printed.push(
        inspect(value, { showHidden: true, depth: 10 }),
        inspect(value),
        JSON.stringify(value),
        String(value),
      )
    }
    const after = (app: Express, auth: RopgAuth) => {
      app.get('/print', auth.session, auth.requireAuth, async (req, res) => {
        print(req.session)
        print(req.auth)
        const token = await req.auth.getAccessToken()
        print(req.session)
        print(req.auth)
        res.json(token)
      })
      app.post('/own-login', auth.session, async (req, res) => {
        const result = await auth.login(req, { username: ada.email, password: ada.password, rememberMe: true })
        print(req.session)
        print(result)
        res.json({})
      })
    }
    const site = await startSite({ after, options: { exposeTokens: true } })
    const { cookie, id, answer } = await logInAndExpire(site)
    await site.send('POST', '/own-login')
    const before = (await storedTokens(site, id))!

    const { body } = await site.get('/print', cookie)

    const now = (await storedTokens(site, id))!
    const all = printed.join('\n')
    expect(now.tokenSets[0]!.accessToken).toBe(body.accessToken)
    expect(printed).toHaveLength(24)
    expect(all).toContain('getAccessToken')
    const sets = [...before.tokenSets, ...now.tokenSets].map(({ accessToken }) => accessToken)
    const tokens = [...sets, before.refreshToken, now.refreshToken, answer.body.access_token, ada.password, secret]
    for (const token of tokens) expect(all).not.toContain(token)
    expect(all).not.toMatch(/eyJ[\w-]{10,}\.[\w-]{10,}/)
  })
})
