import { expect, it } from '@jest/globals'
import type { Route } from 'playwright-core'
import { arriveAt, describeInBrowser, logIn, useSite } from './support/browser.ts'

const ADA = ['ada@example.com', 'correct horse battery staple'] as const
const SECOND_FACTOR = 'second factor'

describeInBrowser('the demo with script', () => {
  const site = useSite()

  it('logs in and out, and shows what Auth0 received without any secret', async () => {
    const page = await site.open('/')
    await arriveAt(page, 'Log in')
    await logIn(page, ...ADA)
    await arriveAt(page, 'Hello, Ada Lovelace')
    const wire = await page.locator('#wire').innerText()
    expect(wire).toContain('POST /oauth/token')
    expect(await page.content()).not.toContain(ADA[1])
    expect(wire).not.toContain(site.emulator.clientSecret)
    await page.getByRole('button', { name: 'Log out', exact: true }).click()
    await arriveAt(page, 'Log in')
  })

  it('shows a wrong password in place and moves the focus to it', async () => {
    const page = await site.open()
    await logIn(page, ADA[0], 'wrong')
    const problem = page.getByRole('alert').filter({ hasText: 'Incorrect email or password.' })
    await problem.waitFor()
    expect(await problem.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true)
    expect(await page.getByLabel('Email').inputValue()).toBe(ADA[0])
  })

  it('shows all routes of the package', async () => {
    const page = await site.open()
    await page.getByRole('link', { name: 'All routes' }).click()
    await page.getByText('Log in with a password').waitFor()
    expect(await page.locator('.opblock').count()).toBe(15)
  })

  it('fills in a test user', async () => {
    const page = await site.open()
    await page.getByRole('button', { name: 'sms@example.com' }).click()
    expect(await page.getByLabel('Email').inputValue()).toBe('sms@example.com')
    expect(await page.getByLabel('Password').inputValue()).toBe(SECOND_FACTOR)
  })

  it('sends one request while the form is busy', async () => {
    const page = await site.open()
    const sent: string[] = []
    page.on('request', (request) => sent.push(new URL(request.url()).pathname))
    const gate = site.emulator.hold()
    await logIn(page, ...ADA)
    await gate.arrived
    const button = page.locator('#login button')
    expect(await button.getAttribute('aria-disabled')).toBe('true')
    expect(await page.locator('#login [role=status]').innerText()).toBe('Logging in…')
    await button.click({ force: true })
    await page.getByLabel('Password').press('Enter')
    gate.release()
    await arriveAt(page, 'Hello, Ada Lovelace')
    expect(sent.filter((path) => path === '/api/auth/login')).toHaveLength(1)
  })

  it('reports an unreachable server and a response that is not JSON', async () => {
    const page = await site.open()
    const answerWith = async (answer: (route: Route) => Promise<void>) => {
      await page.unroute('**/api/auth/login')
      await page.route('**/api/auth/login', answer)
      await page.locator('#login button').click()
    }
    await page.getByLabel('Email').fill(ADA[0])
    await page.getByLabel('Password').fill(ADA[1])
    await answerWith((route) => route.abort())
    await page.getByText('The server cannot be reached.').waitFor()
    await answerWith((route) => route.fulfill({ status: 502, body: '<h1>Bad gateway</h1>' }))
    await page.getByText('The server sent an unexpected response (502).').waitFor()
    await answerWith((route) => route.fulfill({ status: 200, body: 'ok' }))
    await page.getByText('The server sent an unexpected response (200).').waitFor()
  })

  it('counts Retry-After down when Auth0 fails, and then logs in', async () => {
    const page = await site.openApart()
    await page.clock.install()
    await page.getByRole('button', { name: 'Auth0 fails once' }).click()
    await page.getByText('The next token request to Auth0 will fail with 503.').waitFor()
    await logIn(page, ...ADA)
    await page.getByText('Login is temporarily unavailable.').waitFor()
    const button = page.locator('#login button')
    expect(await button.innerText()).toMatch(/wait [1-5] s/)
    await page.clock.runFor(6_000)
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
    await arriveAt(page, 'Hello, Ada Lovelace')
  })

  it('logs in with a code from the authenticator app, after a wrong one', async () => {
    const page = await site.open()
    await logIn(page, 'otp@example.com', SECOND_FACTOR)
    await arriveAt(page, 'Two-step verification')
    await page.getByLabel('Code from your authenticator app').fill('000000')
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText('Incorrect verification code.').waitFor()
    await page.getByLabel('Code from your authenticator app').fill(await page.locator('#otp-code').innerText())
    await page.getByRole('button', { name: 'Verify' }).click()
    await arriveAt(page, 'Hello, Olivia Tran')
  })

  it('logs in with a recovery code and shows the new one', async () => {
    const page = await site.open()
    await logIn(page, 'otp@example.com', SECOND_FACTOR)
    const code = await page.locator('#paper-code').innerText()
    await page.getByLabel('Recovery code').fill(code)
    await page.getByRole('button', { name: 'Use recovery code' }).click()
    await arriveAt(page, 'You are logged in')
    const fresh = await page.locator('#new-recovery-code').innerText()
    expect(fresh).toMatch(/^[A-Z0-9]{24}$/)
    expect(fresh).not.toBe(code)
    await page.getByRole('link', { name: 'Continue' }).click()
    await arriveAt(page, 'Hello, Olivia Tran')
  })

  it('logs in with a code from a text message', async () => {
    const page = await site.open()
    await logIn(page, 'sms@example.com', SECOND_FACTOR)
    await page.getByRole('button', { name: 'Send a code' }).click()
    await page.locator('#sms-code', { hasText: /^\d{6}$/ }).waitFor()
    await page.getByLabel('Code from the message').fill(await page.locator('#sms-code').innerText())
    await page.getByRole('button', { name: 'Verify' }).click()
    await arriveAt(page, 'Hello, Sam Messenger')
  })

  it.each([
    ['approves', 'Approve', 'Hello, Paula Nowak'],
    ['denies', 'Deny', 'Log in'],
  ])('waits for a push notification that the user %s', async (_what, button, title) => {
    const page = await site.openApart()
    await logIn(page, 'push@example.com', SECOND_FACTOR)
    await arriveAt(page, 'Two-step verification')
    await page.clock.install()
    await page.getByRole('button', { name: 'Send a notification' }).click()
    await page.getByText('Waiting for your phone…').waitFor()
    await page.getByRole('button', { name: button, exact: true }).click()
    await page.getByText('The phone has answered.').waitFor()
    site.emulator.clock.advance(5)
    await page.clock.runFor(6_000)
    await arriveAt(page, title)
  })

  it('sets up a second factor', async () => {
    const page = await site.open()
    await logIn(page, 'enroll@example.com', SECOND_FACTOR)
    await page.getByRole('button', { name: 'Set up an authenticator app' }).click()
    await page.getByLabel('Code from your authenticator app').fill(await page.locator('#otp-code').innerText())
    await page.getByRole('button', { name: 'Verify' }).click()
    await arriveAt(page, 'Hello, Eric Newman')
  })

  it('continues on the Auth0 page if a captcha is required, and logs out there', async () => {
    const page = await site.open()
    await logIn(page, 'captcha@example.com', 'not a robot')
    await page.getByRole('link', { name: 'Continue on the Auth0 page' }).click()
    await page.waitForURL(`${site.emulator.domain}/**`)
    await page.getByLabel('Password').fill('not a robot')
    await page.getByRole('button', { name: 'Log in' }).click()
    await arriveAt(page, 'Hello, Cleo Park')
    await page.getByRole('button', { name: 'Log out', exact: true }).click()
    await arriveAt(page, 'Log in')
    expect(site.emulator.requestsTo('/oidc/logout')).toHaveLength(1)
  })

  it('offers a way out of a blocked account', async () => {
    const page = await site.open()
    await logIn(page, 'blocked@example.com', 'locked out')
    await page.getByRole('link', { name: 'Reset your password' }).click()
    await arriveAt(page, 'Reset your password')
  })

  it('creates an account that can log in', async () => {
    const page = await site.open('/signup')
    const signUp = async (password: string) => {
      await page.getByLabel('Name').fill('Grace Hopper')
      await page.getByLabel('Email').fill('grace@example.com')
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Create account' }).click()
    }
    await signUp('weak')
    await page.getByText('Please choose a stronger password.').waitFor()
    await signUp('Nanoseconds-11')
    await page.getByText('Your account has been created.').waitFor()
    await logIn(page, 'grace@example.com', 'Nanoseconds-11')
    await arriveAt(page, 'Hello, Grace Hopper')
  })

  it('gets a new access token when the old one has expired', async () => {
    const page = await site.open()
    await logIn(page, ...ADA)
    const load = async () => {
      await page.getByRole('button', { name: 'Load my orders' }).click()
      return page.getByText(/no\. \w{6} was used/).innerText()
    }
    const first = await load()
    await page.getByRole('button', { name: 'The access token expires' }).click()
    await page.getByText('The access token has expired.').waitFor()
    await page.getByRole('button', { name: 'Load my orders' }).click()
    await page.locator('#orders [role=status]', { hasNotText: first }).getByText('was used').waitFor()
    expect(site.emulator.requests.at(-1)?.grantType).toBe('refresh_token')
  })

  it('ends another session, all sessions, and those that Auth0 ends', async () => {
    const tim = ['tim@example.com', 'Hypertext-1989'] as const
    site.emulator.users.add({ email: tim[0], password: tim[1], name: 'Tim Berners-Lee' })
    const [here, there] = [await site.open(), await site.openApart()]
    for (const page of [there, here]) {
      await logIn(page, ...tim)
      await arriveAt(page, 'Hello, Tim Berners-Lee')
    }
    await here.locator('.sessions li', { hasNotText: 'This device' }).getByRole('button').click()
    await there.reload()
    await arriveAt(there, 'Log in')
    await here.getByRole('button', { name: 'Auth0 ends my sessions' }).click()
    await here.getByText('Auth0 told the app').waitFor()
    await here.getByRole('button', { name: 'Load my orders' }).click()
    await arriveAt(here, 'Log in')
    await logIn(here, ...tim)
    await here.getByRole('button', { name: 'Log out everywhere' }).click()
    await arriveAt(here, 'Log in')
  })
})
