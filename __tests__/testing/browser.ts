import { createHash } from 'node:crypto'
import { expect } from '@jest/globals'
import type { Auth0Emulator } from '../../lib/testing/emulator.js'
import { ADA } from './tenant-client.js'

export const CALLBACK = 'http://127.0.0.1:5555/callback'
export const VERIFIER = 'a-code-verifier-of-more-than-forty-three-characters'
export const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url')

export interface Page {
  status: number
  location: string
  text: string
  headers: Headers
}

type Fields = Record<string, string | undefined>

/** A browser without JavaScript that keeps cookies and follows redirects only on request. */
export class Browser {
  readonly #cookies = new Map<string, string>()

  get cookies(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  async open(url: string, init: RequestInit = {}): Promise<Page> {
    const headers = this.cookies === '' ? {} : { cookie: this.cookies }
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    const { status, headers: received } = response
    return { status, location: received.get('location') ?? '', text: await response.text(), headers: received }
  }

  /** Submits the form of a page, including hidden fields. */
  async submit(page: Page, base: string, fields: Record<string, string>): Promise<Page> {
    const action = attribute(/<form[^>]*>/.exec(page.text)?.[0] ?? '', 'action')
    const hidden = page.text.match(/<input type="hidden"[^>]*>/g) ?? []
    const values = hidden.map((tag): [string, string] => [attribute(tag, 'name'), attribute(tag, 'value')])
    const body = new URLSearchParams([...values, ...Object.entries(fields)])
    return this.open(new URL(action, base).href, { method: 'POST', body })
  }

  /** From `/authorize` through the login page to the callback. */
  async logIn(emulator: Auth0Emulator, fields: Fields = {}, credentials = ADA): Promise<Page> {
    const start = await this.open(authorizeUrl(emulator, fields))
    expect(start.location).toContain('/u/login?state=')
    return this.submit(await this.open(start.location), emulator.domain, credentials)
  }

  #keep(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) this.#cookies.delete(name)
    else this.#cookies.set(name, value)
  }
}

function attribute(tag: string, name: string): string {
  const value = new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
  return value
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
}

/** Undefined fields are omitted. */
export function authorizeUrl(emulator: Auth0Emulator, fields: Fields = {}): string {
  const usual: Fields = {
    client_id: emulator.clientId,
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'openid profile email',
    state: 'the-state',
    nonce: 'the-nonce',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
  }
  const sent = Object.entries({ ...usual, ...fields }).filter(
    (field): field is [string, string] => field[1] !== undefined,
  )
  return `${emulator.domain}/authorize?${new URLSearchParams(sent).toString()}`
}

export function queryOf(page: Page): Record<string, string> {
  return Object.fromEntries(new URL(page.location).searchParams)
}
