import { expect, it } from '@jest/globals'
import { arriveAt, describeInBrowser, logIn, useSite } from './support/browser.ts'

const ADA = ['ada@example.com', 'correct horse battery staple'] as const
const SECOND_FACTOR = 'second factor'

describeInBrowser('the demo without script', () => {
  const site = useSite({ javaScriptEnabled: false })

  it('logs in and out', async () => {
    const page = await site.open()
    await logIn(page, ...ADA)
    await arriveAt(page, 'Hello, Ada Lovelace')
    await page.getByRole('button', { name: 'Load my orders' }).click()
    await page.getByText('Analytical engine').waitFor()
    await page.getByRole('button', { name: 'Log out', exact: true }).click()
    await arriveAt(page, 'Log in')
    await page.goto('/')
    await arriveAt(page, 'Log in')
  })

  it('fills in a test user', async () => {
    const page = await site.open()
    await page.getByRole('button', { name: 'sms@example.com' }).click()
    await page.waitForURL(/user=/)
    expect(await page.getByLabel('Email').inputValue()).toBe('sms@example.com')
    expect(await page.getByLabel('Password').inputValue()).toBe(SECOND_FACTOR)
  })

  it('shows a wrong password', async () => {
    const page = await site.open()
    await logIn(page, ADA[0], 'wrong')
    await page.getByText('Incorrect email or password.').waitFor()
  })

  it('logs in with a code from the authenticator app, after a wrong one', async () => {
    const page = await site.open()
    await logIn(page, 'otp@example.com', SECOND_FACTOR)
    await page.getByLabel('Code from your authenticator app').fill('000000')
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText('Incorrect verification code.').waitFor()
    await page.getByLabel('Code from your authenticator app').fill(await page.locator('#otp-code').innerText())
    await page.getByRole('button', { name: 'Verify' }).click()
    await arriveAt(page, 'Hello, Olivia Tran')
  })

  it('logs in with a recovery code', async () => {
    const page = await site.open()
    await logIn(page, 'otp@example.com', SECOND_FACTOR)
    await page.getByLabel('Recovery code').fill(await page.locator('#paper-code').innerText())
    await page.getByRole('button', { name: 'Use recovery code' }).click()
    await page.getByRole('link', { name: 'Continue' }).click()
    await arriveAt(page, 'Hello, Olivia Tran')
  })

  it('logs in with a text message and with a push notification', async () => {
    const page = await site.open()
    await logIn(page, 'sms@example.com', SECOND_FACTOR)
    await page.getByRole('button', { name: 'Send a code' }).click()
    await page.getByLabel('Code from the message').fill(await page.locator('#sms-code').innerText())
    await page.getByRole('button', { name: 'Verify' }).click()
    await arriveAt(page, 'Hello, Sam Messenger')
    const other = await site.open()
    await logIn(other, 'push@example.com', SECOND_FACTOR)
    await other.getByRole('button', { name: 'Send a notification' }).click()
    await other.getByRole('button', { name: 'I have approved it' }).click()
    await other.getByText('The login has not been approved yet.').waitFor()
    await other.getByRole('button', { name: 'Approve', exact: true }).click()
    site.emulator.clock.advance(5)
    await other.getByRole('button', { name: 'I have approved it' }).click()
    await arriveAt(other, 'Hello, Paula Nowak')
  })

  it('creates an account, and asks for a new password', async () => {
    const page = await site.open('/signup')
    const signUp = async (password: string) => {
      await page.getByLabel('Name').fill('Grace Hopper')
      await page.getByLabel('Email').fill('grace@example.com')
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Create account' }).click()
    }
    await signUp('weak')
    await page.getByRole('alert').getByText('Use at least 8 characters').waitFor()
    await signUp('Nanoseconds-11')
    await page.getByText('Your account has been created.').waitFor()
    await page.getByRole('link', { name: 'Forgot your password?' }).click()
    await page.getByLabel('Email').fill('grace@example.com')
    await page.getByRole('button', { name: 'Send link' }).click()
    await page.getByText('an email with a link is on its way').waitFor()
    expect(site.emulator.resets).toHaveLength(1)
    await logIn(page, 'grace@example.com', 'Nanoseconds-11')
    await arriveAt(page, 'Hello, Grace Hopper')
  })

  it('continues on the Auth0 page, and logs out there', async () => {
    const page = await site.open()
    await logIn(page, 'captcha@example.com', 'not a robot')
    await page.getByRole('link', { name: 'Continue on the Auth0 page' }).click()
    await page.getByLabel('Email address or username').fill('captcha@example.com')
    await page.getByLabel('Password').fill('not a robot')
    await page.getByRole('button', { name: 'Log in' }).click()
    await arriveAt(page, 'Hello, Cleo Park')
    await page.getByRole('button', { name: 'Log out', exact: true }).click()
    await arriveAt(page, 'Log in')
  })

  it('logs out everywhere', async () => {
    const page = await site.open()
    await logIn(page, ...ADA)
    await page.getByRole('button', { name: 'Log out everywhere' }).click()
    await arriveAt(page, 'Log in')
  })
})
