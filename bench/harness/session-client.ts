import type { Tenants } from './world.ts'

interface Outgoing {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/** A minimal browser for logins: keeps cookies and follows redirects. */
export class SessionClient {
  readonly #cookies = new Map<string, string>()
  readonly #tenants: Tenants

  constructor(tenants: Tenants) {
    this.#tenants = tenants
  }

  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  postJson(url: string, body: object): Promise<Response> {
    return this.#send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }

  /** Authorization code flow. `login_hint` tells the stub which user logs in. */
  async followRedirects(url: string, loginHint: string): Promise<Response> {
    let response = await this.#send(url, {})
    for (let hops = 0; hops < 10 && response.headers.has('location'); hops++) {
      const target = new URL(response.headers.get('location') ?? '', response.url)
      if (target.pathname === '/authorize') target.searchParams.set('login_hint', loginHint)
      response = await this.#send(target.href, {})
    }
    return response
  }

  async #send(url: string, init: Outgoing): Promise<Response> {
    const { httpsDomain, httpsBase } = this.#tenants
    const response = await fetch(url.replace(`https://${httpsDomain}`, httpsBase), {
      ...init,
      redirect: 'manual',
      headers: { ...init.headers, cookie: this.cookie },
    })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    return response
  }

  #keep(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    const expires = Date.parse(/expires=([^;]+)/i.exec(line)?.[1] ?? '')
    if (value === '' || expires < Date.now()) this.#cookies.delete(name)
    else this.#cookies.set(name, value)
  }
}

/** The same cookies, with one character of each signature, tag, or id changed. */
export function forge(cookie: string): string {
  return cookie.split('; ').map(forgeOne).join('; ')
}

function forgeOne(pair: string): string {
  for (let place = pair.length - 10; place > pair.indexOf('='); place--) {
    // Not inside an escape such as %2B.
    if (!/^[^%]{2}[\da-f]$/i.test(pair.slice(place - 2, place + 1))) continue
    return `${pair.slice(0, place)}${pair[place] === 'a' ? 'b' : 'a'}${pair.slice(place + 1)}`
  }
  throw new Error('a cookie is too short to be forged')
}
