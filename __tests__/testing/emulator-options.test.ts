import { afterEach, describe, expect, it } from '@jest/globals'
import { ConfigurationError } from '../../lib/errors.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/emulator.ts'

const ada = { email: 'ada@example.com', password: 'a good password' }
let emulator: Auth0Emulator | undefined

afterEach(async () => {
  await emulator?.close()
  emulator = undefined
})

async function start(options: object = {}): Promise<Auth0Emulator> {
  emulator = await startAuth0Emulator(options)
  return emulator
}

describe('startAuth0Emulator names', () => {
  it.each<[title: string, options: object, message: RegExp]>([
    ['an unknown option', { acessTokenTtl: 1 }, /: acessTokenTtl: unknown option, use one of accessTokenTtl, /],
    [
      'an unknown flag of a user',
      { users: [ada, { ...ada, bloked: true }] },
      /: users\[1\]\.bloked: unknown option, use one of blocked, .*\bleaked\b/,
    ],
    [
      'an unknown member of mfa',
      { users: [{ ...ada, mfa: { factor: [] } }] },
      /: users\[0\]\.mfa\.factor: unknown option, use one of factors, requirements$/,
    ],
    [
      'an unknown member of an API',
      { apis: [{ audience: 'a', scopes: [], RBAC: true }] },
      /: apis\[0\]\.RBAC: unknown option, use one of rbac, /,
    ],
    ['a flag that is not one', { users: [{ ...ada, blocked: 'yes' }] }, /: users\[0\]\.blocked must be true or false$/],
    ['a user without a password', { users: [{ email: 'x' }] }, /: users\[0\]\.password must be a string$/],
    [
      'an unknown kind of factor',
      { users: [{ ...ada, mfa: { factors: [{ type: 'totp' }] } }] },
      /type must be 'otp', /,
    ],
    ['a lifetime that is not a number', { accessTokenTtl: '1h' }, /: accessTokenTtl must be a number$/],
    ['something else than options', [], /: the argument must be an object$/],
    [
      'every problem',
      { leway: 1, rotation: 0 },
      /: rotation must be true or false; leway: unknown option, use one of leeway, /,
    ],
  ])('%s', async (_title, options, message) => {
    const started = start(options)
    await expect(started).rejects.toThrow(ConfigurationError)
    await expect(started).rejects.toThrow(/^startAuth0Emulator: /)
    await expect(started).rejects.toThrow(message)
  })
})

describe('a running emulator refuses', () => {
  it('unknown flags of users, before it changes anything', async () => {
    const { users } = await start({ users: [ada] })
    expect(() => users.update(ada.email, { bloked: true } as object)).toThrow(
      /^users\.update: bloked: unknown option, use one of blocked, /,
    )
    expect(() => users.add({ ...ada, email: 'bob@example.com', lekaed: true } as typeof ada)).toThrow(
      /^users\.add: lekaed: unknown option, use one of leaked, /,
    )
    expect([users.get(ada.email), users.get('bob@example.com')]).toMatchObject([ada, undefined])
  })

  it('unknown members of faults and gates', async () => {
    const running = await start()
    expect(() => running.failNext({ staus: 503 } as object)).toThrow(
      /^failNext: staus: unknown option, use one of status, /,
    )
    expect(() => running.hold({ grant: 'password' } as object)).toThrow(/^hold: grant: unknown option, use one of /)
  })

  it('unknown settings of the tenant', async () => {
    const { tenant } = await start()
    expect(() => Object.assign(tenant, { acessTokenTtl: 1 })).toThrow('acessTokenTtl')
    tenant.backchannelLogoutUrl = 'http://127.0.0.1/logout'
  })
})
