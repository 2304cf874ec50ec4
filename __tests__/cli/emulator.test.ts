import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createRopgAuth } from '../../lib/index.ts'
import type { Terminal } from '../../lib/cli/terminal.ts'
import { freePort } from '../support/ports.ts'
import { run } from './run.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'emulator-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Runs the command, calls the callback once it has printed, and stops it. */
async function whileItRuns(args: string[], act: (out: string, err: () => string) => Promise<void>) {
  let stop: () => void = () => undefined
  let printed: (text: string) => void = () => undefined
  let err = ''
  const output = new Promise<string>((resolve) => (printed = resolve))
  const terminal: Partial<Terminal> = {
    ...{ folder, out: printed, err: (text) => (err += text) },
    stopped: () => new Promise((resolve) => (stop = resolve)),
  }
  const ended = run(['emulator', '--port', '0', ...args], terminal)
  try {
    await act(await output, () => err)
  } finally {
    stop()
  }
  return (await ended).code
}

async function logIn(env: Record<string, string | undefined>, username: string, password: string) {
  const auth = createRopgAuth({
    ...{ domain: env.AUTH0_DOMAIN, clientId: env.AUTH0_CLIENT_ID, clientSecret: env.AUTH0_CLIENT_SECRET },
    ...{ session: { secret: env.SESSION_SECRET }, logger: false },
  })
  return auth.client.getTokenByPassword({ username, password }).finally(() => auth.close())
}

describe('express-auth0-ropg emulator', () => {
  it('prints an .env for working logins, and exits with 0', async () => {
    const code = await whileItRuns([], async (out) => {
      const env = parseEnv(out)
      expect(Object.keys(env).sort()).toEqual([
        ...['AUTH0_CLIENT_ID', 'AUTH0_CLIENT_SECRET', 'AUTH0_DOMAIN', 'SESSION_SECRET'],
      ])
      const [, email = '', password = ''] = /^# {3}(ada\S+) {2,}(.+)$/m.exec(out) ?? []
      expect((await logIn(env, email, password)).claims).toMatchObject({ email: 'ada@example.com' })
    })
    expect(code).toBe(0)
  })

  it('takes users from flags and from a file', async () => {
    const users = [{ email: 'bob@example.com', password: 'locked', blocked: true }]
    await writeFile(join(folder, 'users.json'), JSON.stringify(users))
    await whileItRuns(['--users', 'users.json', '--user', 'eve@example.com:a:b'], async (out) => {
      const env = parseEnv(out)
      await expect(logIn(env, 'bob@example.com', 'locked')).rejects.toMatchObject({ code: 'account_blocked' })
      await logIn(env, 'eve@example.com', 'a:b')
      expect(out).not.toContain('ada@example.com')
    })
  })

  it('takes settings of the tenant from a file', async () => {
    await writeFile(join(folder, 'tenant.json'), JSON.stringify({ grantTypes: [] }))
    await whileItRuns(['--json', '--users', 'tenant.json'], async (out) => {
      const { env, users } = JSON.parse(out) as { env: Record<string, string>; users: { email: string }[] }
      expect(users[0]?.email).toBe('ada@example.com')
      await expect(logIn(env, 'ada@example.com', 'x')).rejects.toMatchObject({ code: 'configuration_error' })
    })
  })

  it('prints the codes that users get', async () => {
    await writeFile(
      join(folder, 'mfa.json'),
      JSON.stringify([{ email: 'otp@example.com', password: 'x', mfa: { factors: [{ type: 'otp' }] } }]),
    )
    await whileItRuns(['--users', 'mfa.json'], async (out, err) => {
      await expect(logIn(parseEnv(out), 'otp@example.com', 'x')).rejects.toMatchObject({ code: 'mfa_required' })
      while (!err()) await new Promise((resolve) => setImmediate(resolve))
      expect(err()).toMatch(/^# Code in the authenticator app of otp@example\.com: \d{6}\n$/)
    })
  })

  it('listens on the port of the file, unless --port names another', async () => {
    const port = await freePort()
    await writeFile(join(folder, 'port.json'), JSON.stringify({ port }))
    const ran = run(['emulator', '--users', 'port.json'], { folder })
    expect(parseEnv((await ran).out).AUTH0_DOMAIN).toBe(`http://127.0.0.1:${port}`)
    await whileItRuns(['--users', 'port.json'], async (out) => {
      expect(parseEnv(out).AUTH0_DOMAIN).not.toContain(`:${port}`)
    })
  })

  it('reports that its port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { code, err } = await run(['emulator', '--port', String(port)])
    server.close()
    expect({ code, err }).toEqual({ code: 1, err: `Port ${port} is in use: choose another one with --port\n` })
  })

  it.each([
    ['a port that is none', ['--port', 'http']],
    ['a user without password', ['--user', 'ada@example.com']],
    ['a file that is not there', ['--users', 'nowhere.json']],
  ])('%s: exit code 2', async (_title, args) => {
    const { code, err } = await run(['emulator', ...args], { folder })
    expect(code).toBe(2)
    expect(err).toMatch(/^--(port|user|users)/)
  })

  it.each([
    [
      'a user without an email address',
      '[{ "name": "Ada" }]',
      /users\[0\]\.email, users\[0\]\.password must be a string/,
    ],
    [
      'an unknown flag',
      '[{ "email": "a", "password": "b", "lokced": true }]',
      /users\[0\]\.lokced: unknown option, use one/,
    ],
    ['an unknown option', '{ "acessTokenTtl": 60 }', /acessTokenTtl: unknown option, use one of accessTokenTtl, /],
    ['neither users nor options', '"ada"', /must be an object/],
  ])('a file with %s: exit code 2', async (_title, content, said) => {
    await writeFile(join(folder, 'wrong.json'), content)
    const { code, err } = await run(['emulator', '--users', 'wrong.json'], { folder })
    expect(code).toBe(2)
    expect(err).toMatch(/^--users: wrong\.json: /)
    expect(err).toMatch(said)
  })
})
