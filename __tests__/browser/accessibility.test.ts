import { expect, it } from '@jest/globals'
import type { Page } from 'playwright-core'
import { arriveAt, describeInBrowser, logIn, useSite } from './support/browser.ts'

const ADA = ['ada@example.com', 'correct horse battery staple'] as const
const WIDTHS = [1280, 360]
const SCHEMES = ['light', 'dark'] as const
/** A folder for screenshots of every page. */
const SHOTS = process.env.SHOTS

/** Checks the most common accessibility errors that axe reports. Runs in the page. */
const CHECK = `(() => {
  const all = (selector) => [...document.querySelectorAll(selector)]
  const named = (element) => element.getAttribute('aria-label') || element.textContent.trim()
  const ids = all('[id]').map(({ id }) => id)
  const levels = all('h1, h2, h3').map(({ tagName }) => Number(tagName[1]))
  return {
    lang: document.documentElement.lang,
    h1: all('h1').length,
    main: all('main').length,
    unlabeled: all('input:not([type=hidden])').filter(({ labels }) => labels.length === 0).map(({ name }) => name),
    unnamed: all('button, a').filter((element) => !named(element)).length,
    duplicates: ids.filter((id, index) => ids.indexOf(id) !== index),
    skipped: levels.filter((level, index) => index > 0 && level > levels[index - 1] + 1),
    wider: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  }
})()`

const FINE = {
  ...{ lang: 'en', h1: 1, main: 1, unlabeled: [], unnamed: 0 },
  ...{ duplicates: [], skipped: [], wider: false },
}

async function checkAllLooks(page: Page, name: string): Promise<void> {
  for (const [width, scheme] of WIDTHS.flatMap((width) => SCHEMES.map((scheme) => [width, scheme] as const))) {
    await page.setViewportSize({ width, height: 800 })
    await page.emulateMedia({ colorScheme: scheme })
    const look = `${name}-${width}-${scheme}`
    expect({ look, ...(await page.evaluate<object>(CHECK)) }).toEqual({ look, ...FINE })
    if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/${look}.png`, fullPage: true })
  }
}

describeInBrowser('the pages of the demo', () => {
  const site = useSite()

  it('have names, headings and no horizontal scroll, on desktops and phones, in light and dark colors', async () => {
    const page = await site.open()
    const check = (name: string) => checkAllLooks(page, name)
    await check('login')
    await logIn(page, ADA[0], 'wrong')
    await page.getByText('Incorrect email or password.').waitFor()
    await check('refused')
    for (const path of ['signup', 'password-reset']) {
      await page.goto(`/${path}`)
      await check(path)
    }
    for (const factor of ['otp', 'sms', 'push', 'enroll']) {
      await page.goto('/login')
      await logIn(page, `${factor}@example.com`, 'second factor')
      await page.waitForURL('**/verify*')
      await check(factor)
    }
    await page.goto('/login')
    await logIn(page, ...ADA)
    await arriveAt(page, 'Hello, Ada Lovelace')
    await page.getByRole('button', { name: 'Load my orders' }).click()
    await page.getByText('Analytical engine').waitFor()
    await check('account')
  })

  it('can be used by keyboard alone, with a visible focus', async () => {
    const page = await site.open()
    const focused = () =>
      page.evaluate<string>('document.activeElement.textContent.trim() || document.activeElement.name')
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 40 && (await focused()) !== name; presses++) await page.keyboard.press('Tab')
      expect(await focused()).toBe(name)
      expect(await outlineOf(page)).toBe('solid')
    }
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to content')
    await page.keyboard.press('Enter')
    await tabTo('email')
    await page.keyboard.type(ADA[0])
    await tabTo('password')
    await page.keyboard.type(ADA[1])
    await page.keyboard.press('Enter')
    await arriveAt(page, 'Hello, Ada Lovelace')
    await tabTo('Load my orders')
    await page.keyboard.press('Enter')
    await page.getByText('Analytical engine').waitFor()
    await tabTo('Log out everywhere')
    await page.keyboard.press('Space')
    await arriveAt(page, 'Log in')
  })

  it('run no inline script or style', async () => {
    const page = await site.open()
    const policy = (await page.request.get('/login')).headers()['content-security-policy']
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toContain('unsafe')
  })
})

const outlineOf = (page: Page) => page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle')
