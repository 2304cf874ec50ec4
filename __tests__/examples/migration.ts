import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { RopgAuth } from '../../lib/index.ts'
import type { Auth0Emulator } from '../../lib/testing/index.ts'
import { Browser } from '../testing/browser.ts'
import { ada } from './support/client.ts'
import { openExample } from './support/open-example.ts'

describe('examples/migration', () => {
  const carol = { email: 'carol@example.com', password: 'another good password', connection: 'customers' }
  const customer = { email: carol.email, password: carol.password, realm: 'customers' }
  let example: Awaited<ReturnType<typeof openExample>>
  let emulator: Auth0Emulator
  let url: string
  let auth: RopgAuth
  let moved: { realms: Set<string>; percent: number; users: Set<string> }

  beforeAll(async () => {
    example = await openExample('migration')
    ;({ emulator, url } = example)
    emulator.users.add(carol)
    ;({ auth, moved } = example.exports as { auth: RopgAuth; moved: typeof moved })
  })
  afterEach(() => {
    moved.realms.clear()
    moved.users.clear()
    moved.percent = 0
  })
  afterAll(() => example.stop())

  const post = (browser: Browser, path: string, body: object = {}) =>
    browser.open(`${url}/api/auth${path}`, {
      method: 'POST',
      body: new Blob([JSON.stringify(body)], { type: 'application/json' }),
    })

  const bodyOf = ({ text }: { text: string }) => JSON.parse(text) as Record<string, unknown>

  /** Follows `login_url` through Auth0's login page to the session. */
  async function followToAuth0(browser: Browser, loginUrl: unknown, { email, password }: typeof ada | typeof carol) {
    const begun = await browser.open(url + String(loginUrl))
    const start = await browser.open(begun.location)
    const page = await browser.open(start.location)
    expect(page.text).toContain(email)
    const back = await browser.submit(page, emulator.domain, { username: email, password })
    return browser.open(back.location)
  }

  const expectMoved = async (credentials: object, name = ada.email) => {
    const answer = await post(new Browser(), '/login', credentials)
    const { error, login_url } = bodyOf(answer)
    expect([answer.status, error]).toEqual([403, 'interaction_required'])
    expect(new URL(String(login_url), url).searchParams.get('login_hint')).toBe(name)
    return String(login_url)
  }

  const expectStayed = async (credentials: object) => {
    expect((await post(new Browser(), '/login', credentials)).status).toBe(200)
  }

  it('supports both logins, with the same kind of session', async () => {
    const [form, page] = [new Browser(), new Browser()]
    await post(form, '/login', ada)
    moved.users.add(ada.email)
    const { login_url } = bodyOf(await post(page, '/login', ada))
    const callback = await followToAuth0(page, login_url, ada)

    expect([callback.status, callback.location]).toEqual([302, '/'])
    const [one, other] = [await form.open(`${url}/api/me`), await page.open(`${url}/api/me`)]
    expect(bodyOf(one)).toEqual({ sub: expect.stringMatching(/^auth0\|/), email: ada.email })
    expect(bodyOf(other)).toEqual(bodyOf(one))
    expect(await auth.sessions.list(String(bodyOf(one).sub))).toHaveLength(2)
    expect(bodyOf(await post(form, '/logout'))).toEqual({ success: true })
    expect(bodyOf(await post(page, '/logout')).logout_url).toContain(emulator.domain)
  })

  it('does not send the password of a moved user to Auth0', async () => {
    moved.users.add(ada.email)
    const sent = emulator.requestsTo('/oauth/token').length
    await expectMoved({ ...ada, email: ` ${ada.email.toUpperCase()} ` }, ada.email.toUpperCase())
    expect(emulator.requestsTo('/oauth/token')).toHaveLength(sent)
  })

  it('also recognizes moved users in a form', async () => {
    moved.users.add(ada.email)
    const body = new URLSearchParams({ email: ada.email, password: ada.password })
    expect((await new Browser().open(`${url}/api/auth/login`, { method: 'POST', body })).status).toBe(403)
  })

  it('moves the users of a realm, who log in to the same connection', async () => {
    moved.realms.add('customers')
    const loginUrl = await expectMoved(customer, carol.email)
    await expectStayed(ada)
    const browser = new Browser()
    await followToAuth0(browser, loginUrl, carol)
    expect(bodyOf(await browser.open(`${url}/api/me`)).email).toBe(carol.email)
  })

  it('moves the same users whenever the percentage grows, and in the end all', async () => {
    const statuses = []
    for (moved.percent = 0; moved.percent <= 100; moved.percent += 10) {
      // Without a password, so that it does not count as an attempt.
      statuses.push((await post(new Browser(), '/login', { email: ada.email })).status)
    }
    expect(statuses[0]).toBe(400)
    expect(statuses.at(-1)).toBe(403)
    expect(statuses).toEqual([...statuses].sort((a, b) => a - b))
  })

  it('lets everybody else log in as before', async () => {
    moved.users.add('somebody@example.com')
    await expectStayed(ada)
    await expectStayed(customer)
    expect((await post(new Browser(), '/login', {})).status).toBe(400)
  })
})
