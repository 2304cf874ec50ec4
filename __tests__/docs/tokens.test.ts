import { describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import type { RopgAuth } from '../../lib/index.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp } from '../support/app.ts'
import { codes, readPage, section, tableRows } from '../support/markdown.ts'

const API = 'https://api.example.com'
const BILLING = 'https://billing.example.com'
const OTHER = 'https://other.example.com'
const HOUR = 3600

type Wanted = Record<string, string>
type Agent = ReturnType<TestApp['agent']>

interface Situation {
  /** Requested first, so that a token is stored. */
  before?: Wanted
  /** Seconds that pass afterwards. */
  later?: number
  /** All of these get the same result. */
  wanted: Wanted[]
}

/** Keyed by the first three cells of a row. */
const SITUATIONS: Record<string, Situation> = {
  'yes | own audience | is good for 30 more seconds': { later: HOUR - 40, wanted: [{}, { audience: API }] },
  'yes | own audience | has expired or is about to': { later: HOUR - 20, wanted: [{}] },
  'yes | own audience, `scope` | covers these scopes': { wanted: [{ scope: 'read:posts' }] },
  'yes | own audience, `scope` | does not cover them': { wanted: [{ scope: 'write:posts' }] },
  'yes | another audience | is good for 30 more seconds': {
    before: { audience: BILLING },
    wanted: [{ audience: BILLING }],
  },
  'yes | another audience | does not exist or has expired': { wanted: [{ audience: BILLING }] },
  'yes | another audience that the tenant does not allow | ': { wanted: [{ audience: OTHER }] },
  'no | own audience | has not expired': { later: HOUR - 5, wanted: [{}, { scope: 'read:posts' }] },
  'no | own audience | has expired': { later: HOUR + 5, wanted: [{}, { scope: 'read:posts' }] },
  'no | another audience, or scopes that the login was not granted | ': {
    wanted: [{ audience: BILLING }, { scope: 'write:posts' }],
  },
}

const rows = tableRows(section(readPage('docs/tokens.md'), 'What `getAccessToken()` does'))
const cases = rows.filter(([first]) => first === 'yes' || first === 'no')
const keyOf = (row: string[]) => row.slice(0, 3).join(' | ')

function startTenant(): Promise<Auth0Emulator> {
  return startAuth0Emulator({
    users: [ada],
    accessTokenTtl: HOUR,
    apis: [
      { audience: API, scopes: ['read:posts', 'write:posts'] },
      { audience: BILLING, scopes: ['read:invoices'] },
      { audience: OTHER, scopes: ['read:others'] },
    ],
    refreshPolicies: [{ audience: BILLING, scope: ['read:invoices'] }],
  })
}

const tokenRoute = (app: Express, auth: RopgAuth) => {
  app.get('/token', auth.requireAuth, async (req, res) => {
    try {
      res.json(await req.auth.getAccessToken(req.query))
    } catch (err) {
      res.status((err as { status: number }).status).json(err)
    }
  })
}

/** Describes the result in the words of the table. */
async function resultOf(ask: () => ReturnType<Agent['get']>, emulator: Auth0Emulator, stored: string[]) {
  const calls = emulator.requestsTo('/oauth/token').length
  const { status, body } = await ask()
  const refreshes = emulator.requestsTo('/oauth/token').length - calls
  if (status !== 200) return `${status} \`${String(body.error)}\``
  return stored.includes(body.accessToken as string)
    ? `The stored token after ${refreshes} calls`
    : `A new token after ${refreshes} calls`
}

/** The result that the table promises. */
function promised(result: string): string[] {
  const refusals = Array.from(result.matchAll(/\d{3} `\w+`/g), ([refusal]) => refusal)
  if (result.startsWith('The stored token')) return ['The stored token after 0 calls']
  return /^One (refresh|exchange)/.test(result) ? ['A new token after 1 calls', ...refusals] : refusals
}

describe('the table of docs/tokens.md', () => {
  it('contains exactly the cases tested here', () => {
    expect(cases.map(keyOf).sort()).toEqual(Object.keys(SITUATIONS).sort())
  })

  it.each(cases.map((row) => [keyOf(row), row] as const))('is correct: refresh token %s', async (key, row) => {
    const [refreshToken = '', , , result = ''] = row
    const { before, later = 0, wanted } = SITUATIONS[key]!
    for (const asked of wanted) {
      const emulator = await startTenant()
      const app = await startApp({
        ...{ emulator, store: 'memory', after: tokenRoute },
        options: { audience: API, scope: 'openid profile email read:posts', clock: emulator.clock },
      })
      const agent = app.agent()
      const login = { email: ada.email, password: ada.password, remember_me: refreshToken === 'yes' }
      await agent.post('/auth/login').send(login).expect(200)
      const earlier = await Promise.all([{}, ...(before ? [before] : [])].map((one) => agent.get('/token').query(one)))
      emulator.clock.advance(later)

      const seen = await resultOf(
        () => agent.get('/token').query(asked),
        emulator,
        earlier.map(({ body }) => body.accessToken as string),
      )

      expect(promised(result)).toContain(seen)
      if (seen.startsWith('401')) await agent.get('/auth/user').expect(result.includes('session continues') ? 200 : 401)
      await emulator.close()
    }
  })

  it('shows every error code with its status', () => {
    for (const row of rows) {
      for (const code of codes(row.at(-1) ?? '').filter((name) => /^[a-z]+_[a-z_]+$/.test(name))) {
        expect(row.at(-1)).toMatch(new RegExp(`\\d{3} \`${code}\``))
      }
    }
  })
})
