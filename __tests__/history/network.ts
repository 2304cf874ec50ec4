/** Faults of one refresh, keyed by the refresh token that it sends. */
export interface Trouble {
  /** Auth0 processes the request, but its response is lost. */
  lost: Set<string>
  /** Auth0 is overloaded and does nothing. */
  refused: Set<string>
  /** Auth0 has responded, and the response arrives once this resolves. */
  held: Map<string, Promise<unknown>>
  /** Users whose next login succeeds at Auth0 but loses its response. */
  lostLogins: Set<string>
}

/** The network between the instances and Auth0. */
export interface Network extends Trouble {
  fetch: typeof fetch
  /** Refresh token -> number of requests with it. */
  sent: Map<string, number>
  /** How many refresh tokens of logins were lost on their way. */
  orphans: () => number
}

export function createNetwork(): Network {
  const trouble: Trouble = { lost: new Set(), refused: new Set(), held: new Map(), lostLogins: new Set() }
  const sent = new Map<string, number>()
  let orphans = 0

  const refresh = async (token: string, go: () => Promise<Response>) => {
    sent.set(token, (sent.get(token) ?? 0) + 1)
    if (trouble.refused.delete(token)) return new Response('busy', { status: 503 })
    const isLost = trouble.lost.delete(token)
    const answer = await go()
    if (isLost) throw new TypeError('fetch failed')
    await trouble.held.get(token)
    return answer
  }

  return {
    ...trouble,
    sent,
    orphans: () => orphans,
    fetch: async (input, init) => {
      const go = () => fetch(input, init)
      const body = new URLSearchParams(init?.body as URLSearchParams | string | undefined)
      const token = body.get('refresh_token')
      if (token !== null) return refresh(token, go)
      const isLost = trouble.lostLogins.delete(body.get('username') ?? '')
      const answer = await go()
      if (!isLost) return answer
      if (body.get('scope')?.includes('offline_access')) orphans += 1
      throw new TypeError('fetch failed')
    },
  }
}
