// Tests the core of the published package: two app processes, an emulated Auth0, and a real Redis.
// CORE_REDIS holds ioredis options, or { nodes } for a Cluster. The last line is JSON: versions, passed, failed.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { clearTimeout, setTimeout } from 'node:timers'
import { fileURLToPath, URLSearchParams } from 'node:url'
import { startAuth0Emulator } from 'express-auth0-ropg/testing'

/** The lifetime of the emulator's access tokens, in milliseconds. */
const DAY = 86_400_000
const ADA = { email: 'ada@example.com', password: 'correct horse battery staple' }
const GRACE = { email: 'grace@example.com', password: 'nanoseconds of wire' }
const JSON_BODY = { 'content-type': 'application/json' }
const FORM = {
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html', 'sec-fetch-mode': 'navigate' },
}
const ENDS_WITHIN = 60_000

const watchdog = setTimeout(() => {
  console.error('The core did not end in time.')
  process.exit(1)
}, ENDS_WITHIN)

const emulator = await startAuth0Emulator({ users: [ADA, { ...GRACE, mfa: {} }] })
const [first, second] = await Promise.all([startProcess(), startProcess()])

const CHECKS = {
  login: async () => {
    assert.equal((await get(first, '/me')).status, 401)
    const refused = await post(first, '/auth/login', { ...ADA, password: 'wrong' })
    assert.deepEqual([refused.status, refused.body.error, refused.cookie], [401, 'invalid_credentials', ''])
    const accepted = await post(first, '/auth/login', ADA)
    assert.deepEqual([accepted.status, accepted.body.user.email], [200, ADA.email])
  },
  'session in two processes': async () => {
    const { cookie } = await logIn(first)
    const answers = await Promise.all([get(first, '/me', cookie), get(second, '/me', cookie)])
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    )
    assert.ok(answers[0].body.sub)
    assert.equal(answers[0].body.sub, answers[1].body.sub)
  },
  'one refresh in two processes': async () => {
    const { cookie } = await logIn(first)
    const before = await get(second, '/token', cookie)
    await Promise.all([first, second].map((app) => move(app, DAY)))
    emulator.clock.advance(DAY / 1000)
    const seen = refreshes()
    const asked = [first, second, first, second, first, second].map((app) => get(app, '/token', cookie))
    const tokens = (await Promise.all(asked)).map(({ status, body }) => [status, body.accessToken])
    assert.equal(new Set(tokens.map(String)).size, 1, JSON.stringify(tokens))
    assert.equal(tokens[0][0], 200)
    assert.notEqual(tokens[0][1], before.body.accessToken)
    assert.equal(refreshes() - seen, 1)
  },
  logout: async () => {
    const { cookie } = await logIn(first)
    assert.equal((await post(second, '/auth/logout', {}, cookie)).status, 200)
    assert.equal((await get(first, '/me', cookie)).status, 401)
  },
  'MFA begun in one process and finished in the other': async () => {
    const begun = await post(first, '/auth/login', GRACE)
    assert.deepEqual([begun.status, begun.body.error], [403, 'mfa_required'])
    const wrong = await post(second, '/auth/mfa/verify', { otp: '000000' }, begun.cookie)
    assert.deepEqual([wrong.status, wrong.body.error], [401, 'invalid_mfa_code'])
    const done = await post(second, '/auth/mfa/verify', { otp: emulator.mfa.code(GRACE.email) }, begun.cookie)
    assert.equal(done.status, 200, JSON.stringify(done.body))
    assert.equal((await get(first, '/me', done.cookie)).status, 200)
  },
  'revocation of other sessions': async () => {
    const [kept, ended] = [await logIn(first), await logIn(second)]
    const { body } = await get(first, '/auth/sessions', kept.cookie)
    assert.ok(body.sessions.length >= 2)
    assert.equal(
      (await send(first, '/auth/sessions', { method: 'DELETE', headers: { cookie: kept.cookie } })).status,
      204,
    )
    assert.equal((await get(second, '/me', ended.cookie)).status, 401)
    assert.equal((await get(second, '/me', kept.cookie)).status, 200)
  },
  pages: async () => {
    const form = (fields) => send(first, '/auth/login', { ...FORM, body: new URLSearchParams(fields).toString() })
    const right = await form(ADA)
    assert.deepEqual([right.status, right.location], [303, '/'])
    assert.equal((await get(second, '/me', right.cookie)).status, 200)
    const wrong = await form({ ...ADA, password: 'wrong' })
    assert.equal(wrong.status, 303)
    assert.match(wrong.location, /^\/login\?.*error=invalid_credentials/)
  },
  errors: async () => {
    const broken = await send(first, '/auth/login', { method: 'POST', body: '{', headers: JSON_BODY })
    assert.deepEqual([broken.status, broken.body.error], [400, 'invalid_request'])
    const large = await post(first, '/auth/login', { ...ADA, password: 'x'.repeat(20_000) })
    assert.deepEqual([large.status, large.body.error], [413, 'payload_too_large'])
    const method = await send(first, '/auth/login', { method: 'PUT' })
    assert.deepEqual([method.status, method.body.error], [405, 'method_not_allowed'])
    const foreign = await send(first, '/auth/logout', { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })
    assert.deepEqual([foreign.status, foreign.body.error], [403, 'cross_site_request'])
  },
}

const result = { ...first.versions, passed: 0, failed: 0 }
for (const [name, check] of Object.entries(CHECKS)) await run(name, check)
for (const { child } of [first, second]) child.disconnect()
await emulator.close()
clearTimeout(watchdog)
console.log(JSON.stringify(result))
if (result.failed > 0) process.exitCode = 1

async function run(name, check) {
  try {
    await check()
    result.passed++
    console.log(`ok: ${name}`)
  } catch (error) {
    result.failed++
    console.log(`FAILED: ${name}\n${error.stack}`)
  }
}

async function startProcess() {
  const { domain, clientId, clientSecret } = emulator
  const session = { secret: 'x'.repeat(32), prefix: `core-${process.pid}:` }
  const scope = 'openid profile email offline_access'
  const redis = JSON.parse(process.env.CORE_REDIS ?? '{}')
  const settings = { domain, clientId, clientSecret, session, scope, redis, audience: 'https://api.example.com' }
  const env = { ...process.env, CORE_APP: JSON.stringify(settings) }
  const child = fork(fileURLToPath(new URL('app.mjs', import.meta.url)), { env })
  const ended = once(child, 'exit').then(() => {
    throw new Error('A process of the app ended before it was ready.')
  })
  ended.catch(() => undefined)
  const [{ port, versions }] = await Promise.race([once(child, 'message'), ended])
  return { child, versions, url: `http://127.0.0.1:${port}` }
}

async function move({ child }, ahead) {
  child.send({ ahead })
  await once(child, 'message')
}

function refreshes() {
  return emulator.requests.filter(({ grantType }) => grantType === 'refresh_token').length
}

async function logIn(app) {
  const answer = await post(app, '/auth/login', ADA)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answer
}

function get(app, path, cookie = '') {
  return send(app, path, { headers: { cookie } })
}

function post(app, path, body, cookie = '') {
  return send(app, path, { method: 'POST', headers: { ...JSON_BODY, cookie }, body: JSON.stringify(body) })
}

async function send({ url }, path, { body = '', ...init }) {
  // Not fetch, which sends headers that say it is not a navigation.
  const sent = request(url + path, { ...init, agent: false }).end(body)
  const [response] = await once(sent, 'response')
  const received = await text(response)
  const { location, 'set-cookie': lines = [], 'content-type': type = '' } = response.headers
  const pairs = lines.map((line) => line.split(';')[0])
  return {
    status: response.statusCode,
    location,
    cookie: pairs.filter((pair) => !pair.endsWith('=')).join('; '),
    body: type.includes('json') ? JSON.parse(received) : {},
  }
}
