import { setTimeout as wait } from 'node:timers/promises'

/** Requests sent during a fault. */
export const COLUMNS = ['login', 'protected', 'expired', 'public', 'logout'] as const
export type Column = (typeof COLUMNS)[number]

export interface Answer {
  status: number
  /** Milliseconds. */
  took: number
  cookie: string | undefined
  /** Whether the response clears the cookie. */
  clears: boolean
  retryAfter: string | null
}

const CREDENTIALS = { email: 'ada@example.com', password: 'correct horse battery staple', remember_me: true }
/** Milliseconds, far beyond every deadline. */
const NEVER = 10_000

/** Status 0 means no response. */
export async function ask(url: string, column: Column, cookie = ''): Promise<Answer> {
  const started = performance.now()
  const [method, path, body] = requestOf(column)
  const answer = await fetch(url + path, {
    method,
    headers: { cookie, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body }),
    signal: AbortSignal.timeout(NEVER),
  }).catch(() => undefined)
  await answer?.arrayBuffer().catch(() => undefined)
  const took = performance.now() - started
  const [set = ''] = answer?.headers.getSetCookie() ?? []
  const clears = set.includes('Expires=Thu, 01 Jan 1970')
  return {
    ...{ status: answer?.status ?? 0, took, clears },
    cookie: set === '' || clears ? undefined : set.split(';')[0],
    retryAfter: answer?.headers.get('retry-after') ?? null,
  }
}

function requestOf(column: Column): [method: string, path: string, body?: string] {
  switch (column) {
    case 'login':
      return ['POST', '/auth/login', JSON.stringify(CREDENTIALS)]
    case 'protected':
      return ['GET', '/me']
    case 'expired':
      return ['GET', '/token']
    case 'public':
      return ['GET', '/public']
    case 'logout':
      return ['POST', '/auth/logout']
  }
}

/** Timeout and pause between attempts, in milliseconds. */
const PATIENCE = 5000
const PAUSE = 50

/** Retries after a 503, which without a fault only a busy machine causes. */
export async function askPatiently(url: string, column: Column, cookie?: string): Promise<Answer> {
  const giveUp = performance.now() + PATIENCE
  for (;;) {
    const answer = await ask(url, column, cookie)
    if (answer.status !== 503 || performance.now() > giveUp) return answer
    await wait(PAUSE)
  }
}

/** Logs in and rejects if that fails. */
export async function logIn(url: string): Promise<string> {
  const { status, cookie } = await askPatiently(url, 'login')
  if (cookie === undefined) throw new Error(`a login was answered ${String(status)}`)
  return cookie
}
