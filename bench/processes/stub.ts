/** A minimal, fast Auth0 stub. Tokens are signed in advance. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerParent } from './answering.ts'
import { emailOf, issueTokens, jwks, PASSWORD, userOf, USERS } from './tokens.ts'

/** Serves the same tenant under its https name, for peers that require https. */
const HTTPS_PATH = '/https'
const HTTPS_DOMAIN = 'bench.eu.auth0.example'

type Tenant = ReturnType<typeof createTenant>

/** Suffix of an access token -> its user. */
const owners = new Map<string, number>()
const server = createServer().listen(0, '127.0.0.1')
await once(server, 'listening')
server.keepAliveTimeout = 60_000
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const tenants = { http: createTenant(`${url}/`), https: createTenant(`https://${HTTPS_DOMAIN}/`) }
server.on('request', handle)
answerParent(url, {
  tenants: () => ({ issuer: `${url}/`, httpsDomain: HTTPS_DOMAIN, httpsBase: url + HTTPS_PATH }),
  ownerOf: ({ tail }: { tail: string }) => owners.get(tail),
})

function createTenant(issuer: string) {
  const users = Array.from({ length: USERS }, (_, user) => user)
  return {
    issuer,
    answers: new Map(users.map((user) => [emailOf(user), issue(issuer, user)])),
    discovery: Buffer.from(JSON.stringify(discoveryOf(issuer))),
    jwks: Buffer.from(JSON.stringify(jwks)),
  }
}

function issue(issuer: string, user: number, nonce?: string): Buffer {
  const tokens = issueTokens(issuer, user, nonce)
  owners.set(tokens.access_token.slice(-24), user)
  return Buffer.from(JSON.stringify(tokens))
}

function discoveryOf(issuer: string) {
  return {
    issuer,
    authorization_endpoint: `${issuer}authorize`,
    token_endpoint: `${issuer}oauth/token`,
    revocation_endpoint: `${issuer}oauth/revoke`,
    jwks_uri: `${issuer}.well-known/jwks.json`,
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    code_challenge_methods_supported: ['S256'],
  }
}

function handle(req: IncomingMessage, res: ServerResponse): void {
  const target = req.url ?? '/'
  const isHttps = target.startsWith(`${HTTPS_PATH}/`)
  const tenant = isHttps ? tenants.https : tenants.http
  const path = isHttps ? target.slice(HTTPS_PATH.length) : target
  if (path === '/oauth/token') answerToken(tenant, req, res)
  else if (path.startsWith('/authorize?')) redirect(new URL(path, url).searchParams, res)
  else if (path === '/.well-known/jwks.json') send(res, 200, tenant.jwks)
  else if (path.startsWith('/.well-known/')) send(res, 200, tenant.discovery)
  else send(res, path === '/oauth/revoke' ? 200 : 404, Buffer.from('{}'))
}

function send(res: ServerResponse, status: number, body: Buffer): void {
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}

/** The harness names the user in `login_hint`. */
function redirect(asked: URLSearchParams, res: ServerResponse): void {
  const { login_hint: user, nonce, state, redirect_uri: back } = Object.fromEntries(asked)
  const target = new URL(back ?? '')
  target.searchParams.set('code', Buffer.from(JSON.stringify({ user, nonce })).toString('base64url'))
  if (state !== undefined) target.searchParams.set('state', state)
  res.writeHead(302, { location: target.href }).end()
}

function answerToken(tenant: Tenant, req: IncomingMessage, res: ServerResponse): void {
  let body = ''
  req.setEncoding('latin1')
  req.on('data', (part: string) => (body += part))
  req.on('end', () => {
    const form = new URLSearchParams(body)
    const code = form.get('code')
    const answer = code === null ? passwordAnswer(tenant, form) : codeAnswer(tenant, code)
    if (answer) send(res, 200, answer)
    else send(res, 403, REFUSED)
  })
}

const REFUSED = Buffer.from('{"error":"invalid_grant","error_description":"Wrong email or password."}')

function passwordAnswer(tenant: Tenant, form: URLSearchParams): Buffer | undefined {
  return form.get('password') === PASSWORD ? tokensOf(tenant, form.get('username') ?? '') : undefined
}

/** Tokens of all users but the first are issued on first use. */
function tokensOf({ answers, issuer }: Tenant, email: string): Buffer | undefined {
  const user = userOf(email)
  if (!answers.has(email) && user !== undefined) answers.set(email, issue(issuer, user))
  return answers.get(email)
}

function codeAnswer({ issuer }: Tenant, code: string): Buffer {
  const { user, nonce } = JSON.parse(Buffer.from(code, 'base64url').toString()) as { user: string; nonce?: string }
  return issue(issuer, Number(user), nonce)
}
