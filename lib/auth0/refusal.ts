import type { Auth0Answer, MfaRequirements } from '../errors.js'
import { mfaRequirementsOf } from './mfa-requirements.js'

/** A failed call to Auth0. */
export interface Refusal {
  /**
   * `answered`: Auth0 refused. `unreachable`: no response. `malformed`: required JSON members are missing. `untrusted`:
   * token verification failed. `misnamed`: the discovery document belongs to a different issuer.
   */
  kind: 'answered' | 'unreachable' | 'malformed' | 'untrusted' | 'misnamed'
  answer?: Auth0Answer
  /** `Retry-After`, if Auth0 sent one. */
  headers: Record<string, string>
  mfaToken?: string
  mfaRequirements?: MfaRequirements
  /** The parsed response, which may contain request parameters. */
  body?: unknown
  /** Codes of the error and its causes, outermost first. */
  codes?: readonly string[]
}

/** A `Response`. Not checked with `instanceof`, because test runners have several classes. */
interface ResponseLike {
  status: number
  headers: { get(name: string): string | null }
  bodyUsed: boolean
  text(): Promise<string>
}

interface Thrown {
  code?: unknown
  error?: unknown
  error_description?: unknown
  status?: unknown
  cause?: unknown
  response?: unknown
}

/**
 * openid-client reports a failure as a parsed body (`error`), as a challenge with an unread body (`response`), as an unread
 * response (`cause`, for every 5xx), as callback parameters, or as any error for network failures.
 */
export async function readRefusal(err: unknown): Promise<Refusal> {
  const thrown = Object(err) as Thrown
  if (thrown.code === 'OAUTH_AUTHORIZATION_RESPONSE_ERROR') return callbackRefusal(thrown)
  const response = [thrown.response, thrown.cause].find(isResponse)
  if (typeof thrown.error === 'string' && response) return refusal(response, thrown.cause)
  if (response) return { ...refusal(response, await parsedBody(response)), codes: codesOf(thrown) }
  return { kind: kindOf(thrown), headers: {}, codes: codesOf(thrown) }
}

/** Its status is that of the redirect. */
function callbackRefusal({ error, error_description }: Thrown): Refusal {
  const description = typeof error_description === 'string' && { description: error_description }
  return { kind: 'answered', answer: { status: 302, error: String(error), ...description }, headers: {} }
}

function kindOf(thrown: Thrown): Refusal['kind'] {
  if (isMisnamed(thrown)) return 'misnamed'
  if (isUntrusted(thrown)) return 'untrusted'
  return thrown.code === 'OAUTH_INVALID_RESPONSE' ? 'malformed' : 'unreachable'
}

/** Matches fixed codes such as `ENOTFOUND`, but no free text. */
const CODE = /^[A-Z][A-Z0-9_]{1,63}$/
const MOST_CAUSES = 5

function codesOf(thrown: Thrown): string[] {
  const codes = new Set<string>()
  let link = thrown
  for (let depth = 0; depth < MOST_CAUSES; depth++) {
    if (typeof link.code === 'string' && CODE.test(link.code)) codes.add(link.code)
    link = Object(link.cause) as Thrown
  }
  return [...codes]
}

/** Whether discovery found the document of a different issuer. */
function isMisnamed({ code, cause }: Thrown): boolean {
  return (
    code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED' && Reflect.get(Object(cause) as object, 'attribute') === 'issuer'
  )
}

function refusal(response: ResponseLike, body: unknown): Refusal {
  const said = Object(body) as Record<string, unknown>
  const { error, code, error_description, description, message, mfa_token } = said
  const name = [error, code, said.name].find((value): value is string => typeof value === 'string')
  const text = [error_description, description, message].find((value): value is string => typeof value === 'string')
  return {
    kind: 'answered',
    answer: {
      status: response.status,
      ...(name !== undefined && { error: name }),
      ...(text !== undefined && { description: text }),
    },
    headers: retryAfter(response, name),
    body,
    ...(typeof mfa_token === 'string' && { mfaToken: mfa_token }),
    ...(name === 'mfa_required' && { mfaRequirements: mfaRequirementsOf(body) }),
  }
}

const HOUR = 3600
/** Errors after which the same request should be repeated. */
const ASKS_AGAIN = ['authorization_pending', 'slow_down']

/** From `Retry-After` (seconds) or `x-ratelimit-reset` (UNIX seconds), limited to between one second and an hour. */
function retryAfter({ status, headers }: ResponseLike, error: string | undefined): Record<string, string> {
  const isLimit = status === 429 || status === 503
  if (!isLimit && !ASKS_AGAIN.includes(error ?? '')) return {}
  const told = Number(headers.get('retry-after') ?? NaN)
  // Uses Auth0's clock, because the clock of this machine may be wrong.
  const now = Date.parse(headers.get('date') ?? '') || Date.now()
  const reset = Number(headers.get('x-ratelimit-reset') ?? NaN) - now / 1000
  // With other statuses, the limit was not exceeded, so the reset is irrelevant.
  const seconds = (isLimit ? [told, reset] : [told]).find(Number.isFinite)
  return seconds === undefined ? {} : { 'Retry-After': String(Math.ceil(Math.min(Math.max(seconds, 1), HOUR))) }
}

async function parsedBody(response: ResponseLike): Promise<unknown> {
  if (response.bodyUsed) return undefined
  try {
    return JSON.parse(await response.text())
  } catch {
    return undefined
  }
}

function isResponse(value: unknown): value is ResponseLike {
  const { status, text, headers } = Object(value) as Partial<ResponseLike>
  return typeof status === 'number' && typeof text === 'function' && typeof headers?.get === 'function'
}

/** Codes for invalid claims, signatures, and algorithms. With `body` in the cause, the response itself is malformed. */
const UNTRUSTED =
  /^(OAUTH_(JWT_|INVALID_RESPONSE|KEY_SELECTION|JSON_ATTRIBUTE)|ERR_JWS_|ERR_JWKS_NO_MATCHING|ERR_JOSE_ALG_NOT_ALLOWED)/

function isUntrusted({ code, cause }: Thrown): boolean {
  const inner = Object((Object(cause) as Thrown).cause ?? cause) as object
  return typeof code === 'string' && UNTRUSTED.test(code) && !('body' in inner)
}
