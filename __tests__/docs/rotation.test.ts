import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import request from 'supertest'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada, startApp, type TestApp } from '../support/app.ts'
import { codes, readPage, section, tableRows } from '../support/markdown.ts'
import { uniquePrefix } from '../support/redis.ts'

const SECRETS: Record<string, string> = { a: 'secret a '.repeat(4).trim(), b: 'secret b '.repeat(4).trim() }

const secretsOf = (step: string) => step.split(',').map((name) => SECRETS[name] ?? '')

/** Secrets before the rotation, then at each step of docs/sessions.md. */
const steps = [
  'a',
  ...tableRows(section(readPage('docs/sessions.md'), 'Rotate secrets')).map(([, value = '']) => codes(value)[0]!),
]

let emulator: Auth0Emulator

beforeAll(async () => {
  emulator = await startAuth0Emulator({ users: [ada] })
})
afterAll(() => emulator.close())

async function sideBySide(...steps: string[]): Promise<TestApp[]> {
  const prefix = uniquePrefix()
  return Promise.all(
    steps.map((step) => startApp({ emulator, options: { session: { secret: secretsOf(step), prefix } } })),
  )
}

async function logIn(app: TestApp): Promise<string> {
  const { headers } = await app.login().expect(200)
  return String(headers['set-cookie']?.[0]).split(';')[0]!
}

const statusAt = async ({ app }: TestApp, cookie: string) =>
  (await request(app).get('/me').set('Cookie', cookie)).status

describe('the rotation of docs/sessions.md', () => {
  it('has three steps', () => {
    expect(steps).toEqual(['a', 'a,b', 'b,a', 'b'])
  })

  it.each(steps.slice(1).map((step, before) => [steps[before]!, step]))(
    'lets processes with %s and with %s accept each other during the deployment',
    async (before, after) => {
      const [older, newer] = await sideBySide(before, after)
      expect(await statusAt(newer!, await logIn(older!))).toBe(200)
      expect(await statusAt(older!, await logIn(newer!))).toBe(200)
    },
  )

  it('logs users out if the first step is skipped', async () => {
    const [older, newer] = await sideBySide('a', 'b,a')
    expect(await statusAt(older!, await logIn(newer!))).toBe(401)
  })

  it('logs users out if the last step comes before the longest session ends', async () => {
    const [older, newer] = await sideBySide('a,b', 'b')
    expect(await statusAt(newer!, await logIn(older!))).toBe(401)
  })
})
