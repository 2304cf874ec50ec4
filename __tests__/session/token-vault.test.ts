import { describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import { AuthError, type RopgAuth } from '../../lib/index.ts'
import { MemoryRecords } from '../../lib/store/memory-records.ts'
import { createSeal } from '../../lib/session/seal.ts'
import { createTokenVault, type TokenRecord } from '../../lib/session/token-vault.ts'
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

function setUp({ secrets = [secret], prefix = 'auth:tenant:', records = new MemoryRecords(() => 0) } = {}) {
  return { records, vault: createTokenVault({ records, seal: createSeal(secrets), prefix }) }
}

/** The one stored value, to be read or changed. */
async function stored(records: MemoryRecords): Promise<{ key: string; value: string }> {
  const [key = ''] = await records.keys('')
  return { key, value: (await records.read(key))?.value ?? '' }
}

describe('createTokenVault', () => {
  it('gives back what was created, with version 1', async () => {
    const { vault } = setUp()
    await vault.create('one', tokens, MINUTE)
    expect(await vault.read('one')).toEqual({ ...tokens, version: 1 })
  })

  it('knows nothing of another session', async () => {
    const { vault } = setUp()
    await vault.create('one', tokens, MINUTE)
    expect(await vault.read('two')).toBeUndefined()
    expect(await vault.take('two')).toBeUndefined()
  })

  it('keeps the record as long as it is told', async () => {
    const { vault, records } = setUp()
    await vault.create('one', tokens, MINUTE)
    expect((await records.readWithTtl('auth:tenant:t:one'))?.ttl).toBe(MINUTE)
  })

  it('gives the tokens to one of many takers, and deletes them', async () => {
    const { vault } = setUp()
    await vault.create('one', tokens, MINUTE)
    const taken = await Promise.all([vault.take('one'), vault.take('one'), vault.take('one')])
    expect(taken.filter((record) => record !== undefined)).toEqual([{ ...tokens, version: 1 }])
    expect(await vault.read('one')).toBeUndefined()
  })

  describe('commit', () => {
    const renewed = { ...tokens, refreshToken: 'renewed' }

    it('writes over the version that was read', async () => {
      const { vault } = setUp()
      await vault.create('one', tokens, MINUTE)
      expect(await vault.commit('one', 1, renewed)).toBe('done')
      expect(await vault.read('one')).toEqual({ ...renewed, version: 2 })
    })

    it('refuses an older version, so that tokens never regress (promise 2)', async () => {
      const { vault } = setUp()
      await vault.create('one', tokens, MINUTE)
      await vault.commit('one', 1, renewed)
      expect(await vault.commit('one', 1, tokens)).toBe('conflict')
      expect(await vault.read('one')).toEqual({ ...renewed, version: 2 })
    })

    it('tells versions apart that begin alike', async () => {
      const { vault } = setUp()
      await vault.create('one', tokens, MINUTE)
      for (let version = 1; version < 12; version++) await vault.commit('one', version, renewed)
      expect(await vault.commit('one', 1, tokens)).toBe('conflict')
      expect((await vault.read('one'))?.version).toBe(12)
    })

    it('writes nothing after the tokens were taken (promise 3)', async () => {
      const { vault, records } = setUp()
      await vault.create('one', tokens, MINUTE)
      await vault.take('one')
      expect(await vault.commit('one', 1, renewed)).toBe('gone')
      expect(await records.keys('')).toEqual([])
    })
  })

  describe('seals the record (promise 7), which', () => {
    it('shows no token', async () => {
      const { vault, records } = setUp()
      await vault.create('one', tokens, MINUTE)
      const { value } = await stored(records)
      expect(value).toMatch(/^1\.[\w-]+$/)
      expect(Buffer.from(value.slice(2), 'base64url').toString('latin1')).not.toMatch(/canary|Bearer|api\.example/)
    })

    it('does not open when it is copied to another session', async () => {
      const { vault, records } = setUp()
      await vault.create('one', tokens, MINUTE)
      await records.write('auth:tenant:t:two', (await stored(records)).value, MINUTE)
      expect(await vault.read('two')).toBeUndefined()
      expect(await vault.read('one')).toEqual({ ...tokens, version: 1 })
    })

    it('does not open when it is copied to another tenant', async () => {
      const { vault, records } = setUp()
      await vault.create('one', tokens, MINUTE)
      await records.write('auth:other:t:one', (await stored(records)).value, MINUTE)
      expect(await setUp({ records, prefix: 'auth:other:' }).vault.read('one')).toBeUndefined()
    })

    it.each([
      ['another version', (value: string) => value.replace(/^1\./, '2.')],
      ['no version', (value: string) => value.replace(/^1\./, '')],
      ['a changed byte', (value: string) => value.slice(0, -2) + (value.endsWith('AA') ? 'BB' : 'AA')],
      ['a piece cut off', (value: string) => value.slice(0, -8)],
      ['nothing in it', () => ''],
      ['clear text in its place', () => `1.${Buffer.from(JSON.stringify(tokens)).toString('base64url')}`],
      ['JSON in its place', () => JSON.stringify(tokens)],
    ])('does not open with %s', async (_name, tamper) => {
      const { vault, records } = setUp()
      await vault.create('one', tokens, MINUTE)
      const { key, value } = await stored(records)
      await records.write(key, tamper(value), MINUTE)
      expect(await vault.read('one')).toBeUndefined()
    })

    it('opens after the secret was rotated, and is sealed with the new one at the next commit', async () => {
      const { vault, records } = setUp()
      await vault.create('one', tokens, MINUTE)
      const rotated = setUp({ records, secrets: [next, secret] }).vault
      const renewed = setUp({ records, secrets: [next] }).vault
      expect(await rotated.read('one')).toEqual({ ...tokens, version: 1 })
      expect(await renewed.read('one')).toBeUndefined()
      await rotated.commit('one', 1, tokens)
      expect(await renewed.read('one')).toEqual({ ...tokens, version: 2 })
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

  /** Everything that lies under the prefix, in clear. */
  async function dump(prefix: string): Promise<string> {
    const redis = openRedis()
    const values = (await keysUnder(prefix)).map(async (key) => {
      const value = (await redis.type(key)) === 'hash' ? JSON.stringify(await redis.hgetall(key)) : await redis.get(key)
      return `${key} ${String(value)}`
    })
    return (await Promise.all(values)).join('\n')
  }

  it('cannot be read there', async () => {
    const app = await withToken()
    const { body } = await app.login(remembered).expect(200)
    const all = await dump(app.prefix)
    expect(all).toContain('"sub"')
    const readable = [body.access_token, body.refresh_token, ada.password].flatMap((token: string) => [
      token,
      Buffer.from(token).toString('base64'),
      Buffer.from(token).toString('base64url'),
    ])
    for (const text of readable) expect(all).not.toContain(text)
    // No token of any kind: every JWT begins so.
    expect(all).not.toMatch(/eyJ/)
  })

  it('do not open for another session that they are copied to', async () => {
    const app = await withToken()
    const victim = sessionIdOf(cookieOf(await app.login(remembered).expect(200)))
    const thief = cookieOf(await app.login().expect(200))
    const [from = '', to = ''] = [victim, sessionIdOf(thief)].map((id) => `:t:${id}`)
    const keys = await keysUnder(app.prefix)
    const keyEnding = (end: string) => keys.find((key) => key.endsWith(end)) ?? ''
    await openRedis().copy(keyEnding(from), keyEnding(to), 'REPLACE')
    const answer = await app.agent().get('/token').set('Cookie', thief)
    expect([answer.status, answer.body.error]).toEqual([401, 'session_expired'])
  })

  it('open after the secret was rotated, and so does the cookie', async () => {
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
