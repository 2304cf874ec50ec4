import { describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import { AuthError, type RopgAuth } from '../../lib/index.ts'
import type { Login } from '../../lib/session/login.ts'
import { createSeal } from '../../lib/session/seal.ts'
import { SessionVault, type TokenRecord } from '../../lib/session/session-vault.ts'
import { MemoryRecords } from '../../lib/store/memory-records.ts'
import { ada, secret, startApp, type TestApp } from '../support/app.ts'
import { cookieOf, keysUnder, openRedis, sessionIdOf } from '../http/wire.ts'

const MINUTE = 60_000
const next = 'the next secret, which is for tests only'
const tokens: TokenRecord = {
  refreshToken: 'refresh-canary',
  tokenSets: [
    {
      accessToken: 'access-canary',
      tokenType: 'Bearer',
      audience: 'https://api.example.com',
      scope: 'openid',
      expiresAt: 2_000_000_000,
    },
  ],
}
const renewed = { ...tokens, refreshToken: 'renewed' }
const login: Login = { sub: 'auth0|ada', user: { sub: 'auth0|ada' }, scope: 'openid', handle: 'h', since: 1, until: 2 }

function setUp({ secrets = [secret], prefix = 'auth:tenant:', records = new MemoryRecords(() => 0) } = {}) {
  const seal = createSeal(secrets)
  const vault = new SessionVault({ records, seal, prefix })
  const keyOf = (id: string) => vault.key(id)
  return {
    ...{ records, vault, keyOf },
    /** A session with its tokens. */
    create: (id: string) => vault.create(id, '{}', { life: { idle: MINUTE }, fresh: { login, tokens } }),
    /** The field of the tokens as it is stored, or changed. */
    stored: async (id: string) => (await records.read(keyOf(id), ['t']))?.values[0] ?? Buffer.alloc(0),
    store: (id: string, value: string | Buffer) => records.write(keyOf(id), { t: value }),
  }
}

describe('SessionVault', () => {
  it('gives back what was created, with version 1', async () => {
    const { vault, create } = setUp()
    await create('one')
    expect(await vault.tokens('one')).toEqual({ ...tokens, version: 1 })
  })

  it('returns nothing for another session or one without tokens', async () => {
    const { vault, create, records, keyOf } = setUp()
    await create('one')
    await records.create(keyOf('visitor'), { d: '{}' }, { idle: MINUTE })
    expect(await vault.tokens('two')).toBeUndefined()
    expect(await vault.end('two')).toBeUndefined()
    expect(await vault.tokens('visitor')).toBeUndefined()
  })

  describe('end', () => {
    it('gives tokens and login to one of many callers, and deletes the session', async () => {
      const { vault, create } = setUp()
      await create('one')
      const ended = await Promise.all([vault.end('one'), vault.end('one'), vault.end('one')])
      expect(ended.filter((one) => one !== undefined)).toEqual([{ tokens: { ...tokens, version: 1 }, login }])
      expect(await vault.tokens('one')).toBeUndefined()
    })

    it("ends a visitor's session and one that this process cannot decrypt", async () => {
      const { vault, create, records, keyOf } = setUp()
      await records.create(keyOf('visitor'), { d: '{}' }, { idle: MINUTE })
      await create('one')
      const nothing = { tokens: undefined, login: undefined }
      expect(await vault.end('visitor')).toEqual(nothing)
      expect(await setUp({ secrets: [next], records }).vault.end('one')).toEqual(nothing)
      expect(await records.read(keyOf('one'), ['l'])).toBeUndefined()
    })
  })

  describe('commit', () => {
    it('replaces the version that was read', async () => {
      const { vault, create } = setUp()
      await create('one')
      expect(await vault.commit('one', 1, renewed)).toBe('done')
      expect(await vault.tokens('one')).toEqual({ ...renewed, version: 2 })
    })

    it('writes the login that has changed in the same step, or not at all', async () => {
      const { vault, create } = setUp()
      const stored = async () => (await vault.peek('one'))?.login
      await create('one')
      await vault.commit('one', 1, renewed)
      expect(await stored()).toEqual(login)
      const changed = { ...login, scope: 'openid email' }
      await vault.commit('one', 2, { ...renewed, login: changed })
      expect(await stored()).toEqual(changed)
      expect(await vault.commit('one', 1, { ...renewed, login })).toBe('conflict')
      expect(await stored()).toEqual(changed)
    })

    it('refuses an older version, so that tokens never regress (promise 2)', async () => {
      const { vault, create } = setUp()
      await create('one')
      await vault.commit('one', 1, renewed)
      expect(await vault.commit('one', 1, tokens)).toBe('conflict')
      expect(await vault.tokens('one')).toEqual({ ...renewed, version: 2 })
    })

    it('distinguishes versions with a common prefix', async () => {
      const { vault, create } = setUp()
      await create('one')
      for (let version = 1; version < 12; version++) await vault.commit('one', version, renewed)
      expect(await vault.commit('one', 1, tokens)).toBe('conflict')
      expect(await vault.tokens('one')).toMatchObject({ version: 12 })
    })

    it('writes nothing after the session has ended (promise 3)', async () => {
      const { vault, create, records, keyOf } = setUp()
      await create('one')
      await vault.end('one')
      expect(await vault.commit('one', 1, { ...renewed, login })).toBe('gone')
      expect(await records.read(keyOf('one'), ['t'])).toBeUndefined()
    })
  })

  describe('announce', () => {
    it('marks the tokens of a version and removes the mark', async () => {
      const { vault, create } = setUp()
      await create('one')
      const read = { ...tokens, version: 1 }
      expect(await vault.announce('one', read, true)).toBe('done')
      expect(await vault.tokens('one')).toEqual({ ...read, announced: true })
      expect(await vault.announce('one', read, false)).toBe('done')
      expect(await vault.tokens('one')).toEqual(read)
    })

    it('ends with the next version and is refused for an older one', async () => {
      const { vault, create } = setUp()
      await create('one')
      await vault.announce('one', { ...tokens, version: 1 }, true)
      await vault.commit('one', 1, renewed)
      expect(await vault.tokens('one')).toEqual({ ...renewed, version: 2 })
      expect(await vault.announce('one', { ...tokens, version: 1 }, false)).toBe('conflict')
    })
  })

  describe('discard', () => {
    it('deletes the session with the version that was read, but not a newer one', async () => {
      const { vault, create } = setUp()
      await create('one')
      await vault.commit('one', 1, renewed)
      expect(await vault.discard('one', 1)).toBe('conflict')
      expect(await vault.discard('one', 2)).toHaveLength(1)
      expect(await vault.discard('one', 2)).toBe('gone')
      expect(await vault.tokens('one')).toBeUndefined()
    })
  })

  describe('sealed tokens (promise 7)', () => {
    it('are not readable', async () => {
      const { create, stored } = setUp()
      await create('one')
      const value = await stored('one')
      expect(value.subarray(0, 3).toString()).toBe('1.-')
      expect(value.toString('latin1')).not.toMatch(/canary|Bearer|api\.example/)
    })

    it('do not open if copied to another session', async () => {
      const { vault, create, stored, store } = setUp()
      await create('one')
      await create('two')
      await store('two', await stored('one'))
      expect(await vault.tokens('two')).toBe('sealed')
      expect(await vault.tokens('one')).toEqual({ ...tokens, version: 1 })
    })

    it('do not open if copied to another tenant', async () => {
      const { records, create, stored } = setUp()
      await create('one')
      const other = setUp({ records, prefix: 'auth:other:' })
      await records.create(other.keyOf('one'), { t: await stored('one') }, { idle: MINUTE })
      expect(await other.vault.tokens('one')).toBe('sealed')
    })

    it.each([
      ['another version', (value: string) => value.replace(/^1\./, '2.')],
      ['no version', (value: string) => value.replace(/^1\./, '')],
      ['a changed byte', (value: string) => value.slice(0, -2) + (value.endsWith('AA') ? 'BB' : 'AA')],
      ['a piece cut off', (value: string) => value.slice(0, -8)],
      ['nothing in it', () => ''],
      ['clear text in its place', () => `1.-${JSON.stringify(tokens)}`],
      ['JSON in its place', () => JSON.stringify(tokens)],
    ])('do not open with %s but can be deleted', async (_name, tamper) => {
      const { vault, create, stored, store } = setUp()
      await create('one')
      await store('one', Buffer.from(tamper((await stored('one')).toString('latin1')), 'latin1'))
      expect(await vault.tokens('one')).toBe('sealed')
      expect(await vault.end('one')).toEqual({ tokens: undefined, login })
    })

    it('open after a secret rotation and are sealed with the new secret at the next commit', async () => {
      const { records, create } = setUp()
      await create('one')
      const rotated = setUp({ records, secrets: [next, secret] }).vault
      const renewing = setUp({ records, secrets: [next] }).vault
      expect(await rotated.tokens('one')).toEqual({ ...tokens, version: 1 })
      expect(await renewing.tokens('one')).toBe('sealed')
      await rotated.commit('one', 1, tokens)
      expect(await renewing.tokens('one')).toEqual({ ...tokens, version: 2 })
    })
  })
})

describe('the tokens of a login in Redis (promise 7)', () => {
  const remembered = { email: ada.email, password: ada.password, remember_me: true }
  const tokenRoute = (app: Express, auth: RopgAuth) =>
    app.get('/token', auth.requireAuth, async (req, res) => {
      try {
        res.json(await req.auth.getAccessToken())
      } catch (err) {
        if (err instanceof AuthError) res.status(err.status).json(err)
        else throw err
      }
    })
  const withToken = () =>
    startApp({
      options: { exposeTokens: true, audience: 'https://api.example.com', scope: 'openid profile email read:posts' },
      after: tokenRoute,
    })

  /** Everything stored under the prefix, as plain text. */
  async function dump(prefix: string): Promise<string> {
    const redis = openRedis()
    const values = (await keysUnder(prefix)).map(async (key) => {
      const value = (await redis.type(key)) === 'hash' ? JSON.stringify(await redis.hgetall(key)) : await redis.get(key)
      return `${key} ${String(value)}`
    })
    return (await Promise.all(values)).join('\n')
  }

  it('are not readable', async () => {
    const app = await withToken()
    const { body } = await app.login(remembered).expect(200)
    const all = await dump(app.prefix)
    expect(all).toContain(':s:')
    // The login and the user's claims are unreadable too.
    expect(all).not.toMatch(/auth0\||ada@|lovelace/i)
    const readable = [body.access_token, body.refresh_token, ada.password].flatMap((token: string) => [
      token,
      Buffer.from(token).toString('base64'),
      Buffer.from(token).toString('base64url'),
    ])
    for (const text of readable) expect(all).not.toContain(text)
    // No token of any kind: every JWT starts like this.
    expect(all).not.toMatch(/eyJ/)
  })

  it('do not open if copied to another session', async () => {
    const app = await withToken()
    const victim = sessionIdOf(cookieOf(await app.login(remembered).expect(200)))
    const thief = cookieOf(await app.login(remembered).expect(200))
    const redis = openRedis()
    const keyOf = async (id: string) => (await keysUnder(app.prefix)).find((key) => key.endsWith(`:s:${id}`)) ?? ''
    const stolen = (await redis.hget(await keyOf(victim), 't')) ?? ''
    await redis.hset(await keyOf(sessionIdOf(thief)), 't', stolen)
    const answer = await app.agent().get('/token').set('Cookie', thief)
    expect([answer.status, answer.body.error]).toEqual([401, 'session_expired'])
  })

  it('open after a secret rotation, and so does the cookie', async () => {
    const first = await withToken()
    const cookie = cookieOf(await first.login(remembered).expect(200))
    const tokenOf = (app: TestApp) => app.agent().get('/token').set('Cookie', cookie)
    const { body } = await tokenOf(first).expect(200)
    const secondWith = (secrets: string[]) =>
      startApp({
        emulator: first.emulator,
        options: { audience: 'https://api.example.com', session: { secret: secrets, prefix: first.prefix } },
        after: tokenRoute,
      })
    expect((await tokenOf(await secondWith([next, secret])).expect(200)).body).toEqual(body)
    expect((await tokenOf(await secondWith([next])).expect(401)).body.error).toBe('unauthenticated')
  })
})
