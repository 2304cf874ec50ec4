import { describe, it } from '@jest/globals'
import type { RopgAuthOptions } from '../../lib/index.ts'
import { ada, startApp } from '../support/app.ts'
import { uniquePrefix } from '../support/redis.ts'

const wrong = { email: ada.email, password: 'wrong' }
const limitOf = (limit: number, windowMs = 60_000): RopgAuthOptions => ({ rateLimit: { subnet: { limit, windowMs } } })

describe('the rate limit of two instances on one Redis', () => {
  const pair = async (one: RopgAuthOptions, other: RopgAuthOptions, sameTenant: boolean) => {
    const session = { prefix: uniquePrefix() }
    const first = await startApp({ options: { ...one, session } })
    const emulator = sameTenant ? { emulator: first.emulator } : {}
    return [first, await startApp({ ...emulator, options: { ...other, session } })] as const
  }

  it('is one for the same tenant and limit', async () => {
    const [first, second] = await pair(limitOf(1), limitOf(1), true)
    await first.login(wrong).expect(401)
    await second.login(wrong).expect(429)
  })

  it.each([
    ['two tenants', limitOf(1), limitOf(1), false],
    ['another limit', limitOf(2), limitOf(1), true],
    ['another window', limitOf(1), limitOf(1, 30_000), true],
  ] as const)('is separate for %s', async (_, one, other, sameTenant) => {
    const [first, second] = await pair(one, other, sameTenant)
    await first.login(wrong).expect(401)
    await second.login(wrong).expect(401)
    await second.login(wrong).expect(429)
  })
})

describe('the rate limit of a client with an invalid address', () => {
  it('uses the address of the connection', async () => {
    const app = await startApp({ options: limitOf(1), before: (app) => app.set('trust proxy', 1) })
    const login = () => app.login(wrong).set('X-Forwarded-For', `nonsense-${Math.random()}`)
    await login().expect(401)
    await login().expect(429)
  })
})
