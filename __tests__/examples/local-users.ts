import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { RopgAuth } from '../../lib/index.ts'
import { ada, grace } from './support/client.ts'
import { openExample } from './support/open-example.ts'

describe('examples/local-users', () => {
  let example: Awaited<ReturnType<typeof openExample>>
  let users: Map<string, { id: number; suspended: boolean }>

  beforeAll(async () => {
    example = await openExample('local-users')
    users = example.exports.users as typeof users
  })
  afterAll(() => example.stop())

  const credentialsOf = ({ email, password }: typeof ada) => ({ login: email, password })

  it('creates a local user at the first login, and finds it at the next', async () => {
    const { sub } = example.emulator.users.get(ada.email)!
    for (let login = 0; login < 2; login++) {
      const agent = example.agent()
      const { body } = await agent.post('/api/session').send(credentialsOf(ada)).expect(201)
      expect(body).toEqual({
        user: { id: 1, sub, email: ada.email, suspended: false },
        expiresAt: expect.stringMatching(/Z$/),
      })
      await agent.get('/api/me').expect(200, { sub, data: { userId: 1 } })
    }
    expect(users.size).toBe(1)
  })

  it('logs out in its own route', async () => {
    const agent = example.agent()
    await agent.post('/api/session').send(credentialsOf(ada)).expect(201)
    await agent.delete('/api/session').expect(204)
    await agent.get('/api/me').expect(401)
  })

  it('responds to errors in its own routes like the router', async () => {
    const post = (body?: object) => example.agent().post('/api/session').send(body)
    expect((await post({ ...credentialsOf(ada), password: 'wrong' }).expect(401)).body.error).toBe(
      'invalid_credentials',
    )
    expect((await post().expect(400)).body.error).toBe('invalid_request')
    const foreign = post(credentialsOf(ada)).set('Sec-Fetch-Site', 'cross-site').expect(403)
    expect((await foreign).body.error).toBe('cross_site_request')
  })

  it('refuses a suspended user, tells the front end where to go, and revokes what was granted', async () => {
    await example.agent().post('/api/session').send(credentialsOf(grace)).expect(201)
    users.get(example.emulator.users.get(grace.email)!.sub)!.suspended = true
    const refused = await example
      .agent()
      .post('/api/session')
      .send({ ...credentialsOf(grace), remember: true })
      .expect(403)
    expect(refused.body).toEqual({
      success: false,
      error: 'access_denied',
      message: 'You are not allowed to log in.',
      support_url: '/help/suspended',
    })
    expect(refused.headers['set-cookie']).toBeUndefined()
    // close() waits for revocations, which run in the background.
    await (example.exports.auth as RopgAuth).close()
    expect(example.emulator.requestsTo('/oauth/revoke')).toHaveLength(1)
  })
})
