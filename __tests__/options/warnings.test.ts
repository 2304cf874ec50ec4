import cluster from 'node:cluster'
import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { complete, quiet, resolve, secret, tenant } from './support.ts'

afterEach(() => {
  jest.restoreAllMocks()
})

function warningsFor(options: object, env = {}): unknown[][] {
  const warn = jest.fn<(fields: object, message: string) => void>()
  resolve({ ...complete, logger: { ...quiet, warn }, ...options }, env)
  return warn.mock.calls
}

const withSecret = (given: string | string[], more = {}) => warningsFor({ ...more, session: { secret: given } })

describe('session.secret', () => {
  it.each([
    ['one character', 'x'.repeat(64)],
    ['two characters', 'ab'.repeat(32)],
    ['a word again and again', 'correct-horse/'.repeat(3)],
    ['digits in a row', '0123456789'.repeat(4)],
    ['change me', 'please-change-me-before-you-go-live-ok'],
    ['the secret of an example', 'keyboard cat and some more characters'],
    ['a placeholder', 'your-session-secret-of-32-characters'],
  ])('causes a warning if it can be guessed: %s', (_title, given) => {
    const text = 'session.secret can be guessed (a placeholder or a repeated pattern): generate one with openssl rand'
    expect(withSecret(given)).toEqual([[{ option: 'session.secret' }, expect.stringContaining(text)]])
    expect(withSecret([secret, given])).toHaveLength(1)
  })

  it('causes a warning if a list repeats it', () => {
    expect(withSecret([secret, secret])).toEqual([
      [{ option: 'session.secret' }, 'session.secret contains the same secret twice: remove one of them'],
    ])
  })

  it('causes a warning if it is the same as clientSecret', () => {
    expect(withSecret(secret, { clientSecret: secret })).toEqual([
      [{ option: 'session.secret' }, expect.stringMatching(/^session\.secret is the same as clientSecret/)],
    ])
  })

  it.each([
    ['random base64', 'q1qS8m0rC2nDkqOgm4m5P2tHnF7mQ6vVQ2k8i3wUe0ZbY9xLrA4sT1uJcGdXhKpN'],
    ['random hex', '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
    ['two random ones', ['9f86d081884c7d659a2feaa0c55ad015', 'a3bf4f1b2b0b822cd15d6c15b0f00a08']],
  ])('causes no warning if it is %s', (_title, given) => {
    expect(withSecret(given)).toEqual([])
  })

  it('is never printed', () => {
    const shown = JSON.stringify(
      withSecret(['canary'.repeat(8), 'canary'.repeat(8)], { clientSecret: 'canary'.repeat(8) }),
    )
    expect(shown).not.toContain('canary')
    expect(shown).toContain('clientSecret')
  })
})

describe('the in-process store', () => {
  it.each([
    ['the second instance of PM2', { NODE_APP_INSTANCE: '1' }],
    ['the first of several instances of PM2', { NODE_APP_INSTANCE: '0', instances: '4' }],
  ])('causes a warning in %s', (_title, env) => {
    expect(warningsFor({}, env)).toEqual([[{ option: 'redis' }, expect.stringMatching(/set redis or REDIS_URL/)]])
    expect(warningsFor({ redis: 'redis://localhost' }, env)).toEqual([])
  })

  it('causes a warning in a cluster worker', () => {
    jest.replaceProperty(cluster, 'isWorker', true)
    expect(warningsFor({})).toEqual([[{ option: 'redis' }, expect.stringMatching(/one of several/)]])
    expect(warningsFor({ redis: 'redis://localhost' })).toEqual([])
  })

  it.each([
    ['a process of its own', {}],
    ['the only instance of PM2', { NODE_APP_INSTANCE: '0', instances: '1' }],
  ])('causes no warning in %s', (_title, env) => {
    expect(warningsFor({ ...tenant }, env)).toEqual([])
  })
})
