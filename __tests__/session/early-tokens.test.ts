import { setImmediate as immediate } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import type { Express, Request, Response } from 'express'
import type { AuthError, RopgAuth } from '../../lib/index.ts'
import type { Login } from '../../lib/session/login.ts'
import { createSeal } from '../../lib/session/seal.ts'
import { SessionVault } from '../../lib/session/session-vault.ts'
import { MemoryRecords } from '../../lib/store/memory-records.ts'
import { ada, secret, startApp } from '../support/app.ts'

const credentials = { email: ada.email, password: ada.password }

/** Responds with the error code or `token` after running something between two token uses of one request. */
function addRoute(app: Express, auth: RopgAuth, between: (req: Request) => Promise<unknown>) {
  app.get('/twice', auth.requireAuth, async (req: Request, res: Response) => {
    const { getAccessToken } = req.auth!
    if (req.query.first) await getAccessToken()
    await between(req)
    const answer = await getAccessToken().then(
      () => 'token',
      (err: unknown) => (err as AuthError).code,
    )
    res.json({ answer })
  })
}

async function answersAfter(between: (req: Request, auth: RopgAuth) => Promise<unknown>, query = '') {
  let isOver = false
  const test = await startApp({
    after: (app, auth) => {
      addRoute(app, auth, async (req) => (isOver ? between(req, auth) : undefined))
    },
  })
  const browser = test.agent()
  await browser.post('/auth/login').send(credentials).expect(200)
  await browser.get('/twice').expect(200, { answer: 'token' })
  isOver = true
  return ((await browser.get(`/twice${query}`).expect(200)).body as { answer: string }).answer
}

describe('tokens read together with the login', () => {
  it('are not used by a request that has logged out', async () => {
    expect(await answersAfter((req) => req.auth!.logout())).toBe('session_expired')
  })

  it('are not used by a request that has awaited anything, so it sees revocations', async () => {
    const revoke = (req: Request, auth: RopgAuth) => auth.sessions.revokeAll(req.auth!.sub)
    expect(await answersAfter(revoke)).toBe('session_expired')
  })

  it('are used once per request, so the next use sees revocations', async () => {
    const revoke = (req: Request, auth: RopgAuth) => auth.sessions.revokeAll(req.auth!.sub)
    expect(await answersAfter(revoke, '?first=1')).toBe('session_expired')
  })
})

describe('SessionVault', () => {
  const login: Login = { sub: 'auth0|ada', user: {}, scope: 'openid', handle: 'h', since: 1, until: 2 }

  it('returns prefetched tokens once, and only in the same turn', async () => {
    const records = new MemoryRecords(() => 0)
    const vault = new SessionVault({ records, seal: createSeal([secret]), prefix: '', testClock: () => 0 })
    const tokens = { refreshToken: 'refresh', tokenSets: [] }
    await vault.create('one', '{}', { life: { idle: 60_000 }, fresh: { login, tokens } })
    const found = await vault.find('one')
    expect(await vault.tokens('one', found?.tokens())).toEqual({ ...tokens, version: 1 })
    expect(found?.tokens()).toBeUndefined()

    const later = await vault.find('one')
    await immediate()
    expect(later?.tokens()).toBeUndefined()
  })
})
