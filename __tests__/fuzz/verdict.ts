import { type AuthErrorCode, ERRORS } from '../../lib/errors.ts'
import { CANARY, SMUGGLED } from './hostile-requests.ts'
import { headerOf, PATIENCE, type RawResponse } from './raw-client.ts'
import type { Site } from './site.ts'

/** Responses of Node.js itself to malformed HTTP. */
const OF_NODE = [400, 408, 413, 417, 431, 501]

/** Problems in how a site handled a request. Empty if there are none. */
export function faultsIn(response: RawResponse | undefined, site: Site): string[] {
  const told = site.told.splice(0).join('\n')
  return [
    ...site.bugs.splice(0).map((bug) => `a bug: ${bug}`),
    ...(told.includes(CANARY) ? [`an event or log line shows a secret: ${told}`] : []),
    ...(told.includes('internal_error') ? [`a bug was logged: ${told}`] : []),
    ...(response ? faultsOf(response, site) : []),
  ]
}

function faultsOf(response: RawResponse, site: Site): string[] {
  const { status, headers, text, elapsed } = response
  return [
    ...(status >= 500 && status !== 501 ? [`answered ${status}: ${text}`] : []),
    ...(elapsed > PATIENCE ? [`took ${elapsed} ms`] : []),
    ...(headers.some(([name]) => name === SMUGGLED) ? ['a header was smuggled in'] : []),
    ...(leaksIn(text, site) ? [`shows a secret: ${text}`] : []),
    ...(isOfContract(response, site) ? [] : [`is no answer of the contract: ${text}`]),
  ]
}

function leaksIn(text: string, { cookies, emulator }: Site): boolean {
  const id = /s%3A([^.]+)\./.exec(cookies.live)?.[1] ?? CANARY
  return [CANARY, emulator.clientSecret, id].some((secret) => text.includes(secret))
}

function isOfContract(response: RawResponse, { emulator }: Site): boolean {
  const { status, body } = response
  if (headerOf(response, 'x-app') !== undefined) return true
  if (headerOf(response, 'cache-control') === undefined) return OF_NODE.includes(status) && body === ''
  if (headerOf(response, 'cache-control') !== 'no-store') return false
  if (status === 302 || status === 303) return isSafeTarget(headerOf(response, 'location') ?? '', emulator.domain)
  if (body === '') return true
  return isError(body, status) || (status < 300 && isObject(body))
}

/** A path of the app or Auth0's login page. */
function isSafeTarget(location: string, domain: string): boolean {
  return (
    location.startsWith(`${domain}/authorize?`) || new URL(location, 'http://own.test').origin === 'http://own.test'
  )
}

function isError(body: string, status: number): boolean {
  const { success, error, message } = parsed(body)
  if (typeof error !== 'string' || !Object.hasOwn(ERRORS, error)) return false
  const [expected, sentence] = ERRORS[error as AuthErrorCode]
  return success === false && status === expected && message === sentence
}

const isObject = (body: string) => !('error' in parsed(body)) && body.startsWith('{')

function parsed(body: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(Buffer.from(body, 'latin1').toString())) as Record<string, unknown>
  } catch {
    return { error: 'not JSON' }
  }
}
