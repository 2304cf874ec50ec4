import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type ConsoleMessage,
  type Page,
} from 'playwright-core'
import { createDemo } from '../../../examples/demo/app.ts'
import { tenantUsers } from '../../../examples/demo/users.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../../../lib/testing/index.ts'
import type { RopgAuth } from '../../../lib/index.ts'
import { secret } from '../../support/app.ts'
import { executablePath } from '../../support/chromium.ts'
import { compareSent } from '../../support/openapi.ts'

const STEP = 10_000

/** Skips the whole file if there is no browser. */
export const describeInBrowser = executablePath === undefined ? describe.skip : describe

export interface Site {
  url: string
  emulator: Auth0Emulator
  auth: RopgAuth
  /** A demo page without cookies from earlier tests. */
  open(path?: string): Promise<Page>
  /** The same in its own browser profile, which is slower. */
  openApart(path?: string): Promise<Page>
}

/** Starts the demo and one browser per file. Tests whose pages log errors to the console fail. */
export function useSite(profile: BrowserContextOptions = {}): Site {
  const site = {} as Site
  const problems: string[] = []
  const endings: (() => unknown)[] = []
  const apart: BrowserContext[] = []
  let browser: Browser
  let shared: BrowserContext

  beforeAll(async () => {
    const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu']
    browser = await chromium.launch({ executablePath: executablePath!, args })
    endings.push(() => browser.close(), ...(await start(site, (problem) => problems.push(problem))))
    shared = await browser.newContext({ baseURL: site.url, ...profile })
  })
  afterEach(async () => {
    for (const page of shared.pages()) await page.close()
    await shared.clearCookies()
    for (const context of apart.splice(0)) await context.close()
    expect(problems.splice(0)).toEqual([])
  })
  afterAll(async () => {
    for (const end of endings) await end()
  })

  const show = async (context: BrowserContext, path = '/login') => {
    const page = await context.newPage()
    page.setDefaultTimeout(STEP)
    page.on('pageerror', (err) => problems.push(err.message))
    page.on('console', (message) => {
      if (message.type() === 'error' && !isRefusal(message)) problems.push(message.text())
    })
    await page.goto(path)
    return page
  }
  site.open = (path) => show(shared, path)
  site.openApart = async (path) => {
    const context = await browser.newContext({ baseURL: site.url, ...profile })
    apart.push(context)
    return show(context, path)
  }
  return site
}

/** Chromium reports every refused request, which these tests cause on purpose. */
const isRefusal = (message: ConsoleMessage) =>
  message.text().startsWith('Failed to load resource') && !message.location().url.includes('/assets/')

async function start(site: Site, onProblem: (problem: string) => void): Promise<(() => unknown)[]> {
  const emulator = await startAuth0Emulator({ users: tenantUsers, accessTokenTtl: 300 })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://localhost:${(server.address() as AddressInfo).port}`
  const { app, auth } = createDemo({ emulator, baseUrl: url, secret, options: { rateLimit: false } })
  server.on('request', (req, res) => {
    const [, path] = /^\/api\/auth(\/[^?]*)/.exec(req.url ?? '') ?? []
    if (path !== undefined) compareSent({ req, res, path }, onProblem)
    app(req, res)
  })
  Object.assign(site, { url, emulator, auth })
  const closeServer = () => {
    server.closeAllConnections()
    server.close()
  }
  return [closeServer, () => auth.close(), () => emulator.close()]
}

export async function logIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
}

/** Waits for the page with this h1. */
export async function arriveAt(page: Page, title: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name: title }).waitFor()
}
