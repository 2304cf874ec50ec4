import fc from 'fast-check'
import { ada } from '../support/app.ts'
import type { Cookies } from './site.ts'
import { grace } from './site.ts'

/** Part of confidential client input. No response and no log line may contain it. */
export const CANARY = 'canary-9d41f7'

/** The header that an injected value would add. */
export const SMUGGLED = 'x-smuggled'

const INJECTION = `\r\n${SMUGGLED}: yes\r\n\r\n`

export interface HostileRequest {
  method: string
  path: string
  headers: [name: string, value: string][]
  body: Buffer
  cookie: CookieShape
}

interface CookieShape {
  kind: 'none' | 'live' | 'ended' | 'mfa' | 'interactive' | 'several' | 'damaged' | 'garbage' | 'long' | 'many'
  at: number
  text: string
}

const ROUTES = [
  ...Array<string>(6).fill('POST /auth/login'),
  ...['GET /auth/login', 'GET /auth/callback'],
  ...['GET /auth/user', 'POST /auth/logout', 'GET /auth/sessions', 'DELETE /auth/sessions', 'DELETE /auth/sessions/'],
  ...['GET /auth/mfa/authenticators', 'POST /auth/mfa/challenge', 'POST /auth/mfa/verify', 'POST /auth/mfa/enroll'],
  ...['POST /auth/signup', 'POST /auth/password-reset', 'POST /auth/backchannel-logout'],
  ...['GET /me', 'GET /maybe', 'GET /scope', 'GET /claim', 'GET /permission', 'GET /recent'],
  ...['GET /session', 'GET /any', 'GET /token', 'POST /own-login', 'GET /auth'],
]

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'get', 'NONE']

const often = <T>(usual: fc.Arbitrary<T>, unusual: fc.Arbitrary<T>, weight = 4) =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: unusual })

/** Strings that break parsers. */
const nasty = fc.constantFrom(
  ...['', ' ', '\0', '\t', '\u00a0', '\u2028', '\ud800', '\udfff', '💥', 'é', '\ufeff', '\u202e', 'İ', 'ß'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', 'null', 'undefined', 'NaN'],
  ...['-1', '1e999', '0x10', '[]', '{}', '[object Object]', '../../etc/passwd', '%00', '%', '%E0%A4%A', '%ff', '+'],
  ...['//evil.example.com', '/\\evil.example.com', 'https://evil.example.com', 'javascript:alert(1)', '/a?b#c'],
  ...['/%09/evil.example.com', '/\t/evil.example.com', "'; --", '${7*7}', '<script>', '"', '\\', INJECTION, '*'],
  ...['::1', '::ffff:1.2.3.4', '64:ff9b::1.2.3.4', '1.2.3.4:80', '[::1]:80', 'fe80::1%eth0', 'a'.repeat(400)],
  ...['s:abc.def', 'j:{"a":1}', 'eyJhbGciOiJub25lIn0.e30.', 'a.b.c.d.e', ada.email, 'x'.repeat(5_000)],
)

const text = fc.oneof(
  { weight: 3, arbitrary: nasty },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
)

const confidential = fc.oneof(
  text.map((tail) => `${CANARY}${tail}`),
  fc.constantFrom(CANARY, ada.password, grace.password),
)

const email = fc.oneof(
  fc.constantFrom(ada.email, ada.email.toUpperCase(), ` ${ada.email} `, grace.email, 'nobody@example.com'),
  text,
  fc.emailAddress({ size: 'small' }),
)

const value: fc.Arbitrary<unknown> = fc.oneof(
  text,
  fc.constantFrom(null, true, false, 0, -1, 1e308, 12_345_678, [], {}, [[]], { $ne: '' }, { toString: 1 }),
  fc.jsonValue({ maxDepth: 3 }),
)

const FIELDS = {
  ...{ email, username: email, password: confidential, realm: text, otp: confidential, recovery_code: confidential },
  remember_me: fc.constantFrom(true, false, 'true', 'on', '1', '', 'maybe'),
  ...{ binding_code: confidential, authenticator_id: text, phone_number: text, name: text, return_to: text },
  type: fc.constantFrom('otp', 'sms', 'voice', 'email', 'push', 'recovery-code', 'x', ''),
  logout_token: confidential,
}

/** A body with mostly correct fields of mostly correct types. */
const fields: fc.Arbitrary<Record<string, unknown>> = fc.record(
  Object.fromEntries(Object.entries(FIELDS).map(([name, usual]) => [name, often<unknown>(usual, value, 6)])),
  { requiredKeys: [] },
)

const credentials: fc.Arbitrary<Record<string, unknown>> = fc.record({ email, password: confidential })

const object = fc.oneof(
  { weight: 3, arbitrary: credentials },
  { weight: 4, arbitrary: fields },
  { weight: 1, arbitrary: fc.dictionary(text, value, { maxKeys: 5 }) },
)

const deep = fc
  .integer({ min: 1, max: 4_000 })
  .map((depth) => `${'['.repeat(depth)}${depth % 2 ? ']'.repeat(depth) : ''}`)

const json = fc.oneof(
  { weight: 8, arbitrary: object.map((sent) => JSON.stringify(sent)) },
  { weight: 1, arbitrary: value.map((sent) => JSON.stringify(sent)) },
  { weight: 1, arbitrary: deep },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...[
        '',
        '{',
        '{"email":',
        '{"email":"a","email":"b","password":"c"}',
        '\ufeff{}',
        '{"a":"\u0001"}',
        'null',
        '[1,]',
      ],
      ...['{"__proto__":{"email":"a","password":"b"}}', '{"constructor":{"prototype":{"x":1}}}', '"\\ud800"', '1e9999'],
    ),
  },
)

const pair = fc.tuple(fc.oneof(fc.constantFrom(...Object.keys(FIELDS)), text), fc.oneof(confidential, text))

const form = fc.oneof(
  { weight: 4, arbitrary: object.map(asForm) },
  { weight: 1, arbitrary: fc.array(pair, { maxLength: 70 }).map((pairs) => pairs.map((p) => p.join('=')).join('&')) },
  { weight: 1, arbitrary: fc.constantFrom('&&&', '=', '%', 'a[b][c]=1&a[__proto__]=2', 'email=%ff&password=%E0%A4%A') },
)

function asForm(sent: Record<string, unknown>): string {
  const pairs = Object.entries(sent).map(([name, given]) => [
    name,
    typeof given === 'string' ? given : JSON.stringify(given),
  ])
  return new URLSearchParams(pairs as [string, string][]).toString()
}

interface Sent {
  type: string
  body: Buffer
}

const CHARSETS = [
  '',
  '; charset=utf-8',
  '; charset=UTF-16LE',
  '; charset=iso-8859-1',
  '; charset=x',
  '; charset=',
  ';;',
]

const charset = often(fc.constant(''), fc.constantFrom(...CHARSETS))

const encoding = often<BufferEncoding>(fc.constant('utf8'), fc.constantFrom('latin1', 'utf16le'), 8)

const of = (type: string, body: fc.Arbitrary<string>): fc.Arbitrary<Sent> =>
  fc.tuple(body, charset, encoding).map(([raw, set, how]) => ({ type: `${type}${set}`, body: Buffer.from(raw, how) }))

const TYPES = [
  '',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/xml',
  'application/json, x',
  '/',
  '\u00ff',
]

const sent: fc.Arbitrary<Sent> = fc.oneof(
  { weight: 5, arbitrary: of('application/json', json) },
  { weight: 4, arbitrary: of('application/x-www-form-urlencoded', form) },
  { weight: 1, arbitrary: fc.constantFrom(...TYPES).chain((type) => of(type, json)) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('application/json'),
      body: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 10_000, max: 12_000 }).map((size) => ({
      type: 'application/json',
      body: Buffer.from(JSON.stringify({ email: 'a'.repeat(size), password: CANARY })),
    })),
  },
)

const QUERY_NAMES = [
  ...['return_to', 'login_hint', 'connection', 'code', 'state', 'error', 'error_description', 'iss', 'response'],
  ...['audience', 'scope', '__proto__', 'a[b]', 'return_to[]', ''],
]

const query = often(
  fc.constant(''),
  fc
    .array(fc.tuple(fc.constantFrom(...QUERY_NAMES), often(text, fc.constant('x'))), { minLength: 1, maxLength: 6 })
    .chain((pairs) => fc.constantFrom(`?${encoded(pairs)}`, `?${pairs.map((p) => printable(p.join('='))).join('&')}`)),
  1,
)

const encoded = (pairs: [string, string][]) => new URLSearchParams(pairs).toString()

/** Removes characters that a request line cannot contain. */
const printable = (raw: string) => raw.replace(/[^\x21-\x7e\x80-\xff]/g, '')

const suffix = often(
  fc.constant(''),
  fc.oneof(
    text.map((raw) => printable(encodeURIComponent(Buffer.from(raw).toString()))),
    text.map(printable),
    fc.constantFrom('/', '//', '/%2e%2e', '/..', '%', '/%E0%A4%A', ';a=b', '/%00', '#x', '/x/y', 'a'.repeat(6_000)),
  ),
  5,
)

/** Headers that change how the following bytes are parsed. */
const FRAMING = ['Content-Length', 'Transfer-Encoding', 'Connection', 'Expect', 'Upgrade', 'TE', 'Host']

const FRAMING_VALUES = [
  ...['0', '5', '9999999', '-1', '1,1', '1e3', '', 'chunked', 'chunked, chunked', 'gzip', 'identity', '100-continue'],
  ...['x', 'close', 'keep-alive', 'upgrade', 'websocket', 'h2c', 'app.example.com', 'evil.example.com:99999', '[', ' '],
]

const HEADERS = [
  ...['Origin', 'Referer', 'Forwarded', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'Accept'],
  ...['Sec-Fetch-Site', 'Sec-Fetch-Mode', 'User-Agent', 'X-Request-Id', 'Content-Encoding', 'Range'],
  ...['If-None-Match', 'X-HTTP-Method-Override', 'Authorization', 'traceparent', 'Accept-Language', 'Content-Type'],
]

const HEADER_VALUES = [
  ...['text/html', 'navigate', 'cors', 'same-origin', 'cross-site', 'none', 'https', 'http', 'https,http', 'null'],
  ...['https://front.example.com', 'https://evil.example.com', 'capacitor://localhost', 'localhost:99999', '127.0.0.1'],
  ...['1.2.3.4, 5.6.7.8', '1.2.3.4,', 'unknown', '_hidden', 'for=1.2.3.4;proto=https', '[::ffff:1.2.3.4]', '%', ':'],
  ...[
    'gzip',
    'br',
    'identity',
    'bytes=0-1',
    '"x"',
    '00-0-0-0',
    `Bearer ${CANARY}`,
    'a'.repeat(4_000),
    ','.repeat(2_000),
  ],
]

/** Header values that Node.js accepts: Latin-1 without line breaks. */
const latin1 = (raw: string) => raw.replace(/[^\t\x20-\x7e\x80-\xff]/g, '')

const headerText = often(fc.constantFrom(...HEADER_VALUES), text.map(latin1))

const ordinary = fc.array(fc.tuple(fc.constantFrom(...HEADERS), headerText), { maxLength: 3 })

const headers = often(
  ordinary,
  fc
    .tuple(ordinary, fc.constantFrom(...FRAMING), fc.constantFrom(...FRAMING_VALUES))
    .map(([others, name, given]): [string, string][] => [...others, [name, given]]),
  12,
)

const cookie: fc.Arbitrary<CookieShape> = fc.record({
  kind: fc.constantFrom(
    ...(['none', 'live', 'live', 'live', 'ended', 'mfa', 'interactive', 'several', 'damaged', 'damaged'] as const),
    ...(['garbage', 'long', 'many'] as const),
  ),
  at: fc.nat(200),
  text,
})

const route = fc.constantFrom(...ROUTES).chain((line) => {
  const [usual = '', path = ''] = line.split(' ')
  return fc.record({
    method: often(fc.constant(usual), fc.constantFrom(...METHODS), 7),
    path: fc.tuple(suffix, query).map((rest) => `${path}${rest.join('')}`),
  })
})

export const hostileRequest: fc.Arbitrary<HostileRequest> = fc
  .record({ route, headers, sent, hasBody: fc.boolean(), cookie })
  .map(({ route: { method, path }, headers: extra, sent: { type, body }, hasBody, cookie: shape }) => {
    const withBody = hasBody || method === 'POST'
    const named: HostileRequest['headers'] = withBody && type !== '' ? [['Content-Type', type], ...extra] : extra
    return { method, path, headers: named, body: withBody ? body : Buffer.alloc(0), cookie: shape }
  })

export function toBytes({ method, path, headers: extra, body, cookie: shape }: HostileRequest, cookies: Cookies) {
  const named = (name: string) => extra.some(([other]) => other.toLowerCase() === name)
  const brought = cookieHeader(shape, cookies)
  const lines = [
    `${method} ${path} HTTP/1.1`,
    ...(named('host') ? [] : ['Host: app.example.com']),
    ...(brought === '' ? [] : [`Cookie: ${brought}`]),
    ...extra.map(([name, given]) => `${name}: ${given}`),
    ...(named('content-length') || named('transfer-encoding') ? [] : [`Content-Length: ${body.length}`]),
  ]
  const isBroken = FRAMING.some((name) => named(name.toLowerCase())) || method === 'NONE' || method === 'get'
  return { method, isBroken, bytes: Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]) }
}

function cookieHeader({ kind, at, text: raw }: CookieShape, cookies: Cookies): string {
  const clean = latin1(raw)
  const { live } = cookies
  if (kind === 'none') return ''
  if (kind === 'several') return [cookies.ended, `auth=${clean}`, live, cookies.mfa, 'auth=s%3Ax.y'].join('; ')
  if (kind === 'damaged') return `${live.slice(0, 8 + (at % live.length))}${clean}${live.slice(9 + (at % live.length))}`
  if (kind === 'garbage')
    return `auth=${CANARY}${clean}; auth.mfa=${clean}; auth.interactive=${clean}; __proto__=1; =; ;`
  if (kind === 'long') return `auth=${CANARY}${'x'.repeat(at * 40)}`
  if (kind === 'many') return `${'auth=s%3Ax.y; '.repeat(at)}${live}`
  return cookies[kind]
}
