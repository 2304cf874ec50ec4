import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import express from 'express'
import { Redis } from 'ioredis'
import { examine, type DoctorInput } from '../../lib/cli/doctor/doctor.ts'
import type { Finding } from '../../lib/cli/doctor/finding.ts'
import type { RopgAuthOptions } from '../../lib/index.ts'
import { type Auth0Emulator, type EmulatorTenant, startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada } from '../support/app.ts'
import { freePort } from '../support/ports.ts'
import { startRedis, type RedisServer } from '../support/redis-server.ts'
import { testRedisUrl } from '../support/redis.ts'
import { type Report, ROOT, run } from './run.ts'

const API = 'https://api.example.com'
const SECRET = 'Qm3x+canary-of-a-session-secret/81kPzT0'
const PASSWORD = ada.password

let emulator: Auth0Emulator
let redis: RedisServer
let usual: EmulatorTenant
let env: Record<string, string>

beforeAll(async () => {
  ;[emulator, redis] = await Promise.all([startAuth0Emulator(), startRedis()])
  usual = { ...emulator.tenant }
  env = {
    AUTH0_DOMAIN: emulator.domain,
    AUTH0_CLIENT_ID: emulator.clientId,
    AUTH0_CLIENT_SECRET: emulator.clientSecret,
    SESSION_SECRET: SECRET,
    REDIS_URL: testRedisUrl(),
  }
})

afterAll(() => Promise.all([emulator.close(), redis.stop()]))

afterEach(() => {
  Object.assign(emulator.tenant, usual)
})

const REAL_LOGIN = { DOCTOR_USERNAME: ada.email, DOCTOR_PASSWORD: PASSWORD }

interface Plant {
  options?: RopgAuthOptions
  env?: Record<string, string | undefined>
  tenant?: Partial<EmulatorTenant>
  input?: Partial<DoctorInput>
}

function find({ options = {}, env: more = {}, tenant = {}, input = {} }: Plant = {}): Promise<Finding[]> {
  Object.assign(emulator.tenant, tenant)
  return examine({ options, env: { ...env, ...more }, mount: '/api/auth', folder: ROOT, ...input })
}

const faultsIn = (findings: Finding[]) => findings.filter(({ status }) => status === 'fault')

const without = (...grants: string[]) => ({
  grantTypes: usual.grantTypes.filter((grant) => !grants.some((name) => grant.endsWith(name))),
})

describe('a healthy set-up', () => {
  const args = ['--realm', 'Username-Password-Authentication', '--audience', API, '--scope', 'openid read:posts']

  it('has no faults in production, and exits with 0', async () => {
    const production = { ...env, ...REAL_LOGIN, NODE_ENV: 'production' }
    const families = emulator.refreshTokens.families()
    const { code, out, err } = await run(['doctor', ...args], { env: production })
    expect(out).toMatch(/^All well: \d+ ok, \d+ notes, \d+ not checked$/m)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(emulator.refreshTokens.families()).toBe(families)
  })

  it('covers what a login depends on', async () => {
    const options = { audience: API, interactive: { baseUrl: 'http://localhost:3000' }, mfa: 'api' } as const
    const findings = await find({ options, env: REAL_LOGIN })
    expect(faultsIn(findings)).toEqual([])
    expect(findings.filter(({ status }) => status === 'ok').map(({ check }) => check)).toEqual([
      ...['Node.js', 'Express', 'options', 'discovery', 'clock', 'signing keys', 'client', 'password grant'],
      ...['default directory', 'audience', 'other password grant', 'refresh grant', 'MFA grants', 'login'],
      ...['access token', 'scope', 'offline access', 'callback URL', 'logout URL'],
      ...['Redis', 'Redis version', 'Redis role', 'Redis eviction', 'Redis latency', 'Redis commands'],
      ...['session secret', 'HTTPS', 'cookie', 'production'],
    ])
  })

  it('names a setting with every line', async () => {
    expect((await find()).filter(({ setting }) => !setting)).toEqual([])
  })

  it.each([
    [{}, 'DOCTOR_USERNAME and DOCTOR_PASSWORD'],
    [{ DOCTOR_USERNAME: ada.email }, 'DOCTOR_PASSWORD'],
    [{ DOCTOR_PASSWORD: PASSWORD }, 'DOCTOR_USERNAME'],
  ])('names the variables that a real login lacks, with %j', async (given, missing) => {
    const login = (await find({ env: given })).find(({ check }) => check === 'login')
    expect(login).toMatchObject({
      status: 'skipped',
      message: expect.stringContaining(`not checked: set ${missing} to `),
    })
  })

  it('leaves nothing behind in Redis', async () => {
    const client = new Redis(redis.url)
    await find({ env: { REDIS_URL: redis.url } })
    expect(await client.keys('*')).toEqual([])
    client.disconnect()
  })

  it('makes one failed login for each grant, each for another user', async () => {
    const before = emulator.requests.length
    await find()
    const names = emulator.requests
      .slice(before)
      .flatMap(({ params }) => (params.username ? [params.username as string] : []))
    expect(names).toHaveLength(2)
    expect(new Set(names).size).toBe(2)
    expect(names.join()).toMatch(/^doctor-[^@]+@example\.invalid,doctor-/)
  })
})

type Case = [title: string, plant: Plant | (() => Plant | Promise<Plant>), check: string, names: RegExp]

const GRANT_TYPES = /Advanced Settings > Grant Types/

describe('a fault of the options', () => {
  it.each<Case>([
    ['no client ID', { env: { AUTH0_CLIENT_ID: undefined } }, 'options', /AUTH0_CLIENT_ID/],
    [
      'a domain that is a placeholder',
      { env: { AUTH0_DOMAIN: 'your-domain' } },
      'options',
      /AUTH0_DOMAIN.*placeholder/,
    ],
    ['a short secret', { env: { SESSION_SECRET: 'short' } }, 'options', /SESSION_SECRET.*32/],
    ['a misspelled option', { options: { redisUrl: 'x' } as RopgAuthOptions }, 'options', /did you mean redis\?/],
    [
      'production without Redis',
      { env: { NODE_ENV: 'production', REDIS_URL: undefined } },
      'options',
      /redis is required in production.*REDIS_URL/,
    ],
  ])('%s', expectFault)

  it('is listed beside all others', async () => {
    const findings = await examine({ options: {}, env: {}, mount: '/', folder: ROOT })
    expect(faultsIn(findings).map(({ message }) => /\w+_\w+/.exec(message)?.[0])).toEqual([
      ...['AUTH0_DOMAIN', 'AUTH0_CLIENT_ID', 'AUTH0_CLIENT_SECRET', 'SESSION_SECRET'],
    ])
  })
})

describe('a fault of the tenant', () => {
  it.each<Case>([
    [
      'a domain where nobody listens',
      async () => ({ env: { AUTH0_DOMAIN: `http://127.0.0.1:${await freePort()}` } }),
      'discovery',
      /ECONNREFUSED.*domain/,
    ],
    ['a wrong client secret', { env: { AUTH0_CLIENT_SECRET: 'canary-of-a-secret' } }, 'client', /clientSecret/],
    ['a wrong client ID', { env: { AUTH0_CLIENT_ID: 'unknown' } }, 'client', /clientId/],
    ['the password grant off', () => ({ tenant: without('password') }), 'password grant', GRANT_TYPES],
    [
      'the password-realm grant off',
      () => ({ tenant: without('password-realm'), options: { realm: 'customers' } }),
      'password grant',
      /password-realm/,
    ],
    ['no Default Directory', { tenant: { defaultConnection: null } }, 'default directory', /Default Directory.*realm/],
    ['a realm in the wrong case', { options: { realm: 'Customers' } }, 'realm', /realm option \(case matters\)/],
    [
      'an unknown allowed realm',
      { options: { allowedRealms: ['staff'] } },
      'allowed realms',
      /Authentication > Database/,
    ],
    ['an unknown audience', { options: { audience: 'https://no.example.com' } }, 'audience', /option audience.*APIs/],
    ['the refresh grant off', () => ({ tenant: without('refresh_token') }), 'refresh grant', GRANT_TYPES],
    ['the MFA grants off', () => ({ tenant: without('mfa-otp'), options: { mfa: 'api' } }), 'MFA grants', GRANT_TYPES],
    [
      'Allow Offline Access off',
      {
        tenant: { apis: [{ audience: API, scopes: [], allowOfflineAccess: false }] },
        options: { audience: API },
        env: REAL_LOGIN,
      },
      'offline access',
      /Allow Offline Access/,
    ],
    [
      'a scope that the API does not have',
      { options: { audience: API, scope: 'openid fly:rockets' }, env: REAL_LOGIN },
      'scope',
      /fly:rockets/,
    ],
    [
      'another signature algorithm',
      { options: { idTokenSigningAlg: 'PS256' }, env: REAL_LOGIN },
      'login',
      /idTokenSigningAlg/,
    ],
    ['a wrong password', { env: { ...REAL_LOGIN, DOCTOR_PASSWORD: 'canary' } }, 'login', /DOCTOR_PASSWORD/],
    [
      'a clock that is a minute fast',
      { input: { seams: { clock: () => Date.now() + 60_000 } } },
      'clock',
      /60 s ahead|61 s ahead/,
    ],
    [
      'no keys',
      () => {
        emulator.failNext({ path: '/.well-known/jwks.json', status: 200, body: { keys: [] } })
        return {}
      },
      'signing keys',
      /RS256/,
    ],
    [
      'Auth0 down',
      () => {
        emulator.failNext({ status: 503, body: '<html>', grantType: 'password' })
        return {}
      },
      'password grant',
      /not checked: auth_unavailable/,
    ],
  ])('%s', expectFault)
})

describe('a fault of interactive login', () => {
  const options = { interactive: { baseUrl: 'https://app.example.com' } }
  const callbacks = ['https://app.example.com/api/auth/callback']
  const logoutUrls = ['https://app.example.com/']

  it.each<Case>([
    [
      'no callback URL',
      { options, tenant: { logoutUrls } },
      'callback URL',
      /app\.example\.com\/api\/auth\/callback.*Allowed Callback/,
    ],
    ['no logout URL', { options, tenant: { callbacks } }, 'logout URL', /app\.example\.com\/.*Allowed Logout URLs/],
    [
      'the grant off',
      () => ({ options, tenant: { callbacks, logoutUrls, ...without('authorization_code') } }),
      'authorization code grant',
      /Authorization Code.*Grant Types/,
    ],
    [
      'a cookie for another domain',
      () => ({
        options: { ...options, session: { cookie: { domain: 'example.org', secure: true } } },
        tenant: { callbacks, logoutUrls },
      }),
      'cookie',
      /domain/,
    ],
  ])('%s', expectFault)
})

describe('a fault of Redis', () => {
  const at = (url: string): Plant => ({ env: { REDIS_URL: url }, options: { timeouts: { redis: 500 } } })
  const own = redisClient()

  it.each<Case>([
    ['nobody listens', async () => at(`redis://127.0.0.1:${await freePort()}`), 'Redis', /ECONNREFUSED.*option redis/],
    ['a wrong password', () => at(redis.url.replace('//', '//who:canary-of-redis@')), 'Redis', /WRONGPASS/],
    [
      'an eviction policy',
      async () => {
        await own().config('SET', 'maxmemory-policy', 'allkeys-lru')
        return at(redis.url)
      },
      'Redis eviction',
      /allkeys-lru.*maxmemory-policy/,
    ],
    [
      'a user without EVAL',
      async () => {
        await own().call('ACL', 'SETUSER', 'bounded', 'on', '>canary-of-redis', '~*', '+@all', '-eval', '-evalsha')
        return at(redis.url.replace('//', '//bounded:canary-of-redis@'))
      },
      'Redis commands',
      /NOPERM.*evalsha.*ACL/,
    ],
    [
      'a replica',
      async () => {
        await own().replicaof('127.0.0.1', await freePort())
        return at(redis.url)
      },
      'Redis role',
      /replica.*option redis/,
    ],
    ['several workers without it', { env: { REDIS_URL: undefined, WEB_CONCURRENCY: '4' } }, 'Redis', /REDIS_URL/],
  ])('%s', async (...row) => {
    try {
      await expectFault(...row)
    } finally {
      await own().replicaof('NO', 'ONE')
      await own().config('SET', 'maxmemory-policy', 'noeviction')
    }
  })

  it('is a deadline that leaves no room', async () => {
    const findings = await find({ options: { redis: slowRedis(), timeouts: { redis: 100 } } })
    expect(faultsIn(findings)).toEqual([
      expect.objectContaining({ check: 'Redis latency', setting: expect.stringMatching(/timeouts\.redis/) }),
    ])
  })
})

/** A client whose responses take 40 ms. */
function slowRedis(): Redis {
  const client = new Redis(testRedisUrl(), { commandTimeout: 1000 })
  const ping = client.ping.bind(client)
  client.ping = async () => {
    await new Promise((resolve) => setTimeout(resolve, 40))
    return ping()
  }
  return client
}

/** A client of the misconfigured server. */
function redisClient(): () => Redis {
  let client: Redis | undefined
  afterAll(() => client?.disconnect())
  return () => (client ??= new Redis(redis.url))
}

describe('a fault of production', () => {
  const production = { NODE_ENV: 'production' }
  const app = express().set('trust proxy', true)

  it.each<Case>([
    ['passwords over HTTP', { env: production, options: { requireHttps: false } }, 'HTTPS', /requireHttps/],
    [
      'a cookie over HTTP',
      { env: production, options: { session: { cookie: { secure: 'auto' } } } },
      'cookie',
      /secure/,
    ],
    [
      'a secret of one letter',
      { env: { ...production, SESSION_SECRET: 'a'.repeat(64) } },
      'session secret',
      /SESSION_SECRET/,
    ],
    [
      'a placeholder',
      { env: { ...production, SESSION_SECRET: 'change-me-to-something-that-is-random' } },
      'session secret',
      /openssl/,
    ],
    ['trust proxy: true', { input: { app } }, 'trust proxy', /number of proxies/],
  ])('%s', expectFault)

  it('is a note elsewhere', async () => {
    const findings = await find({ options: { requireHttps: false }, env: { REDIS_URL: undefined } })
    expect(faultsIn(findings)).toEqual([])
    const notes = findings.flatMap(({ status, message }) => (status === 'note' ? [message] : []))
    expect(notes).toContainEqual(expect.stringMatching(/^refused with NODE_ENV=production: redis is required/))
  })
})

describe('a fault of the machine', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'doctor-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('no Express', () => expectFault('', { input: { folder } }, 'Express', /npm install express/))

  it('an old Express', async () => {
    // A new folder, because failed lookups in a folder are cached.
    const app = join(folder, 'app')
    const path = join(app, 'node_modules', 'express')
    await mkdir(path, { recursive: true })
    await writeFile(join(path, 'package.json'), '{ "name": "express", "version": "4.17.3" }')
    await expectFault('', { input: { folder: app } }, 'Express', /4\.17\.3.*4\.18/)
  })
})

async function expectFault(...[, plant, check, names]: Case): Promise<void> {
  const findings = await find(typeof plant === 'function' ? await plant() : plant)
  const faults = faultsIn(findings)
  expect(faults.map((fault) => fault.check)).toEqual([check])
  expect(`${faults[0]?.message} [${faults[0]?.setting}]`).toMatch(names)
  expect(JSON.stringify(findings)).not.toMatch(/canary|emulator-secret/)
  const remedies = findings.filter(({ status }) => status === 'fault' || status === 'skipped')
  for (const { message } of remedies) {
    expect(message).toMatch(/: \S/)
    expect(message).not.toMatch(/\b(?:set|add|check|raise|turn on) (?:both\b|the option\b|(?:it|them|this)$)/)
  }
}

describe('the output', () => {
  const broken = () => ({ ...env, AUTH0_CLIENT_SECRET: 'wrong' })

  it('is JSON with --json, and the exit code is 1 for a fault', async () => {
    const { code, out } = await run(['doctor', '--json'], { env: broken() })
    const report = JSON.parse(out) as Report
    expect({ code, ok: report.ok }).toEqual({ code: 1, ok: false })
    expect(report.findings.find(({ status }) => status === 'fault')).toMatchObject({ check: 'client' })
  })

  it('has one line for each check', async () => {
    const { code, out } = await run(['doctor'], { env: broken() })
    expect(code).toBe(1)
    expect(out).toMatch(/^FAULT {4}client {7,}Auth0 does not accept the client: .* \[.*Credentials\]$/m)
    expect(out).toMatch(/^1 fault: /m)
  })

  it.each([
    ['a terminal', { isTty: true }, true],
    ['a terminal with NO_COLOR', { isTty: true, env: { NO_COLOR: '1' } }, false],
    ['a file', { isTty: false }, false],
  ])('on %s: color is %#', async (_title, terminal, colored) => {
    const { out } = await run(['doctor'], terminal)
    expect(out.includes('\u001b[')).toBe(colored)
  })

  it('never contains a secret, even if a check quotes one', async () => {
    const secret = 'canary-of-a-secret-that-is-also-a-realm'
    const { out } = await run(['doctor', '--realm', secret, '--scope', `openid ${secret}`, '--audience', API], {
      env: { ...env, ...REAL_LOGIN, AUTH0_CLIENT_SECRET: emulator.clientSecret, SESSION_SECRET: secret },
    })
    expect(out).not.toContain('canary')
    expect(out).not.toContain(emulator.clientSecret)
  })
})

describe('incorrect usage', () => {
  it.each([
    ['an unknown flag', ['doctor', '--relm', 'x']],
    ['a file that is not there', ['doctor', '--env-file', 'nowhere.env']],
    ['a module that is not there', ['doctor', '--config', 'nowhere.mjs']],
    ['an unknown command', ['doktor']],
    ['no command', []],
  ])('%s: exit code 2', async (_title, args) => {
    const { code, out, err } = await run(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/express-auth0-ropg/)
  })

  it.each([[['--help']], [['doctor', '--help']], [['emulator', '-h']]])('%j prints help', async (args) => {
    const { code, out } = await run(args)
    expect(code).toBe(0)
    expect(out).toMatch(/^express-auth0-ropg /)
  })
})
