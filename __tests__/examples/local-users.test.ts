import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import request from 'supertest'
import type { RopgAuth } from '../../lib/index.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada, secret } from '../support/app.ts'

describe('examples/local-users.ts', () => {
  const bob = { email: 'bob@example.com', password: 'another good password' }
  const before = { ...process.env }
  let emulator: Auth0Emulator
  let app: Express
  let auth: RopgAuth
  let users: Map<string, { suspended: boolean }>

  beforeAll(async () => {
    emulator = await startAuth0Emulator({ users: [ada, bob] })
    Object.assign(process.env, {
      AUTH0_DOMAIN: emulator.domain,
      AUTH0_CLIENT_ID: emulator.clientId,
      AUTH0_CLIENT_SECRET: emulator.clientSecret,
      SESSION_SECRET: secret,
    })
    ;({ app, auth, users } = await import('../../examples/local-users.ts'))
  })
  afterAll(async () => {
    await auth.close()
    await emulator.close()
    process.env = before
  })

  it('creates a local user at the first login, and finds it at the next', async () => {
    for (let login = 0; login < 2; login++) {
      const agent = request.agent(app)
      const { body } = await agent.post('/api/auth/login').send(ada).expect(200)
      await agent.get('/api/me').expect(200, { sub: body.user.id, data: { userId: 1 } })
    }
    expect(users.size).toBe(1)
  })

  it('refuses a suspended user, tells the front end where to go, and revokes what was granted', async () => {
    const { body } = await request(app).post('/api/auth/login').send(bob).expect(200)
    users.get(body.user.id)!.suspended = true

    const refused = await request(app)
      .post('/api/auth/login')
      .send({ ...bob, remember_me: true })
      .expect(403)

    expect(refused.body).toEqual({
      success: false,
      error: 'access_denied',
      message: 'You are not allowed to log in.',
      support_url: '/help/suspended',
    })
    expect(refused.headers['set-cookie']).toBeUndefined()
    // Revocations run in the background. Closing waits for them.
    await auth.close()
    expect(emulator.requestsTo('/oauth/revoke')).toHaveLength(1)
  })
})
