import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from '@jest/globals'
import type { RopgAuthOptions } from '../../lib/index.ts'
import { endWithTest } from '../promises/support/site.ts'
import { startApp, type TestApp, type TestAppOptions } from '../support/app.ts'
import { Browser, type Page } from '../testing/browser.js'

export const GRACE = { username: 'grace@example.com', password: 'nanoseconds of wire' }
export const users = [
  { email: 'ada@example.com', password: 'correct horse battery staple', name: 'Ada Lovelace' },
  { email: GRACE.username, password: GRACE.password, name: 'Grace Hopper' },
]

/** A listening app with interactive login, whose URL is its `baseUrl`. */
export interface Web extends TestApp {
  url: string
}

export interface WebOptions extends TestAppOptions {
  /** The `interactive` option. */
  federated?: boolean
}

export async function startWeb({ federated, ...settings }: WebOptions = {}): Promise<Web> {
  // Listens first, because the port is part of its URL.
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  endWithTest(async () => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  const options: RopgAuthOptions = { interactive: { baseUrl: url, federated }, ...settings.options }
  const app = await startApp({ emulator: { users }, ...settings, options })
  server.on('request', app.app)
  return { ...app, url }
}

/** A browser that uses the app. */
export class Visitor extends Browser {
  readonly web: Web

  constructor(web: Web) {
    super()
    this.web = web
  }

  get(path: string): Promise<Page> {
    return this.open(this.web.url + path)
  }

  post(path: string): Promise<Page> {
    return this.open(this.web.url + path, { method: 'POST' })
  }

  /** From `GET /login` to Auth0's redirect. Returns the callback URL without opening it. */
  async untilCallback(path = '/auth/login', credentials = ADA): Promise<string> {
    const begun = await this.get(path)
    expect([begun.status, begun.location]).toEqual([302, expect.stringContaining('/authorize?')])
    return this.atAuth0(begun.location, credentials)
  }

  /** From `/authorize` to the callback URL, through SSO if there is a session. */
  async atAuth0(authorizeUrl: string, credentials = ADA): Promise<string> {
    const answer = await this.open(authorizeUrl)
    if (!answer.location.includes('/u/login')) return answer.location
    const { domain } = this.web.emulator
    return (await this.submit(await this.open(answer.location), domain, credentials)).location
  }

  /** Runs the whole login and resolves to the callback's response. */
  async enter(path = '/auth/login', credentials = ADA): Promise<Page> {
    return this.open(await this.untilCallback(path, credentials))
  }

  async me(): Promise<{ status: number; body: Record<string, unknown> }> {
    const { status, text } = await this.get('/me')
    return { status, body: JSON.parse(text) as Record<string, unknown> }
  }
}

const ADA = { username: 'ada@example.com', password: 'correct horse battery staple' }

export const bodyOf = (page: Page) => JSON.parse(page.text) as Record<string, unknown>
