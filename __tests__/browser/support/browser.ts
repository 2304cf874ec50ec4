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
import { users } from '../../../examples/demo/users.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../../../lib/testing/index.ts'
import type { RopgAuth, RopgAuthOptions } from '../../../lib/index.ts'
import { findOnPath } from '../../../scripts/find-redis.js'
import { secret } from '../../support/app.ts'

const executablePath = findOnPath(process.env.CHROMIUM ?? 'chromium') ?? process.env.CHROMIUM
const STEP = 10_000

/** Skips a whole file where there is no browser. */
export const describeInBrowser = executablePath === undefined ? describe.skip : describe

if (executablePath === undefined)
  console.warn('Browser tests are skipped: install Chromium, or set CHROMIUM to its path.')

export interface Site {
  url: string
  emulator: Auth0Emulator
  auth: RopgAuth
  /** A new browser profile at a page of the demo. */
  open(path?: string, options?: BrowserContextOptions): Promise<Page>
}

/** The demo and one browser for the tests of a file. Fails tests whose pages log errors to the console. */
export function useSite(options: RopgAuthOptions = {}): Site {
  const site = {} as Site
  const contexts: BrowserContext[] = []
  const problems: string[] = []
  const endings: (() => unknown)[] = []
  let browser: Browser

  beforeAll(async () => {
    const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu']
    browser = await chromium.launch({ executablePath: executablePath!, args })
    endings.push(() => browser.close(), ...(await start(site, options)))
  })
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()))
    expect(problems.splice(0)).toEqual([])
  })
  afterAll(async () => {
    for (const end of endings) await end()
  })

  site.open = async (path = '/login', profile = {}) => {
    const context = await browser.newContext({ baseURL: site.url, ...profile })
    context.setDefaultTimeout(STEP)
    contexts.push(context)
    const page = await context.newPage()
    page.on('pageerror', (err) => problems.push(err.message))
    page.on('console', (message) => {
      if (message.type() === 'error' && !isRefusal(message)) problems.push(message.text())
    })
    await page.goto(path)
    return page
  }
  return site
}

/** Chromium itself reports every refused request; those are what the tests are about. */
const isRefusal = (message: ConsoleMessage) =>
  message.text().startsWith('Failed to load resource') && !message.location().url.includes('/assets/')

async function start(site: Site, options: RopgAuthOptions): Promise<(() => unknown)[]> {
  const emulator = await startAuth0Emulator({ users, accessTokenTtl: 300 })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://localhost:${(server.address() as AddressInfo).port}`
  const { app, auth } = createDemo({ emulator, baseUrl: url, secret, options: { rateLimit: false, ...options } })
  server.on('request', (req, res) => {
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

/** Waits for a page by its one h1. */
export async function arriveAt(page: Page, title: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name: title }).waitFor()
}
