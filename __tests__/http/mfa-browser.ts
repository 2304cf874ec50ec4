import { expect } from '@jest/globals'
import type { AuthError, RopgAuthOptions } from '../../lib/index.ts'
import type { EmulatorFactor, EmulatorUser, RecordedRequest } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { listen } from './wire.ts'

export const { email } = ada
export const credentials = { email, password: ada.password }
export const MFA_GRANT = 'http://auth0.com/oauth/grant-type/mfa-'
const API = 'https://api.example.com'

export interface Answer {
  status: number
  headers: Headers
  body: any // eslint-disable-line @typescript-eslint/no-explicit-any -- what JSON.parse gives
  /** Values of `Set-Cookie`. */
  cookies: string[]
}

/** A browser that keeps cookies and sends JSON. */
export class Jar {
  readonly kept = new Map<string, string>()
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  get cookie(): string {
    return [...this.kept].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** Value of the pending login's cookie, or undefined if there is none. */
  get mfaCookie(): string | undefined {
    return [...this.kept].find(([name]) => name.endsWith('.mfa'))?.[1]
  }

  get(path: string): Promise<Answer> {
    return this.#send(path, { method: 'GET' })
  }

  post(path: string, body: object = {}): Promise<Answer> {
    return this.#send(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
  }

  login(body: object = {}): Promise<Answer> {
    return this.post('/auth/login', { ...credentials, ...body })
  }

  challenge(body: object = {}): Promise<Answer> {
    return this.post('/auth/mfa/challenge', body)
  }

  enroll(body: object): Promise<Answer> {
    return this.post('/auth/mfa/enroll', body)
  }

  verify(body: object = {}): Promise<Answer> {
    return this.post('/auth/mfa/verify', body)
  }

  async #send(path: string, init: RequestInit): Promise<Answer> {
    const headers = new Headers(init.headers)
    if (this.kept.size > 0) headers.set('cookie', this.cookie)
    const response = await fetch(this.#url + path, { ...init, headers })
    const cookies = response.headers.getSetCookie()
    for (const line of cookies) this.#keep(line)
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text, cookies }
  }

  #keep(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (/expires=thu, 01 jan 1970/i.test(line)) this.kept.delete(name)
    else this.kept.set(name, value)
  }
}

export interface MfaApp extends TestApp {
  url: string
  browser: Jar
  newBrowser(): Jar
  /** Moves the clocks of the app, its store, and the emulator. */
  advance(seconds: number): void
  /** The user's current one-time password, and a wrong one. */
  code(): string
  wrong(): string
  /** How often `GET /token` has requested its token. */
  asked(): number
  /** MFA requests that Auth0 received. */
  verified(): RecordedRequest[]
}

export type MfaSettings = TestAppOptions & { user?: Partial<EmulatorUser>; factors?: EmulatorFactor['type'][] }

/** A listening app with `mfa: 'api'` and one user with these factors. Default: OTP and a recovery code. */
export async function startMfa({ user, factors, ...settings }: MfaSettings = {}): Promise<MfaApp> {
  const setup = factors ? { factors: factors.map((type) => ({ type })) } : true
  let ahead = 0
  let asked = 0
  const options: RopgAuthOptions = { mfa: 'api', audience: API, scope: 'openid profile email', ...settings.options }
  const app = await startApp({
    emulator: { users: [{ ...ada, mfa: setup, ...user }] },
    seams: { testClock: () => Date.now() + ahead },
    ...settings,
    options,
    after: (express, auth) => {
      express.get('/token', auth.requireAuth, (req, res) => {
        req.auth.getAccessToken().then(
          (token) => res.json(token),
          (err: unknown) => res.status((err as AuthError).status).json(err),
        )
        asked++
      })
      settings.after?.(express, auth)
    },
  })
  const { url } = await listen(app.app)
  const { emulator } = app
  const advance = (seconds: number) => {
    ahead += seconds * 1000
    emulator.clock.advance(seconds)
  }
  // Crossing into the next period would change the codes.
  if (!('close' in (settings.emulator ?? {}))) advance(30 - ((emulator.clock.now() / 1000) % 30))
  const code = () => emulator.mfa.code(email)
  return {
    ...{ ...app, url, advance, code, browser: new Jar(url), newBrowser: () => new Jar(url) },
    asked: () => asked,
    wrong: () => String((Number(code()) + 1) % 1_000_000).padStart(6, '0'),
    verified: () => emulator.requestsTo('/oauth/token').filter(({ grantType }) => grantType?.startsWith(MFA_GRANT)),
  }
}

/** A login that is waiting for its second factor. */
export async function waiting(settings: MfaSettings = {}, body: object = {}): Promise<MfaApp> {
  const app = await startMfa(settings)
  await logInTo(app.browser, body)
  return app
}

export async function logInTo(browser: Jar, body: object = {}): Promise<Answer> {
  const answer = await browser.login(body)
  expect([answer.status, answer.body.error]).toEqual([403, 'mfa_required'])
  return answer
}

export const told = ({ status, body }: Answer) => [status, body.error]

export const revoked = ({ emulator }: TestApp) => emulator.requestsTo('/oauth/revoke').map(({ params }) => params.token)

export const eventsNamed = ({ events }: TestApp, name: string) => events.filter((event) => event.name === name)
