import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { Express } from 'express'
import request from 'supertest'
import type { RopgAuth } from '../../lib/index.ts'
import { type Auth0Emulator, startAuth0Emulator } from '../../lib/testing/index.ts'
import { ada, secret } from '../support/app.ts'

describe('examples/step-up.ts', () => {
  const before = { ...process.env }
  const elapsed = performance.now.bind(performance)
  let minutesLater = 0
  let emulator: Auth0Emulator
  let app: Express
  let auth: RopgAuth

  beforeAll(async () => {
    emulator = await startAuth0Emulator({ users: [ada] })
    Object.assign(process.env, {
      AUTH0_DOMAIN: emulator.domain,
      AUTH0_CLIENT_ID: emulator.clientId,
      AUTH0_CLIENT_SECRET: emulator.clientSecret,
      SESSION_SECRET: secret,
    })
    // Before the program is loaded: the in-process store takes its clock then.
    jest.spyOn(performance, 'now').mockImplementation(() => elapsed() + minutesLater * 60_000)
    jest.resetModules()
    ;({ app, auth } = await import('../../examples/step-up.ts'))
  })
  afterAll(async () => {
    jest.restoreAllMocks()
    await auth.close()
    await emulator.close()
    process.env = before
  })

  it('asks for the password again after five minutes, and goes on with the same session data', async () => {
    const agent = request.agent(app)
    const change = () => agent.put('/api/bank-account').send({ iban: 'DE75512108001245126199' })
    await change().expect(401)
    await agent.post('/api/auth/login').send(ada).expect(200)
    await change().expect(200)

    minutesLater = 6
    const refused = await change().expect(401)
    expect(refused.body.error).toBe('reauthentication_required')
    await agent.get('/api/profile').expect(200, { email: ada.email })

    minutesLater = 0
    const { body: login } = await agent.post('/api/auth/login').send(ada).expect(200)
    const { body } = await change().expect(200)
    expect(body).toEqual({
      iban: 'DE75512108001245126199',
      changedBy: login.user.id,
      confirmedAt: expect.stringMatching(/Z$/),
    })
    expect(await auth.sessions.list(login.user.id)).toHaveLength(1)
  })
})
