import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { RopgAuth } from '../../lib/index.ts'
import { ada } from './support/client.ts'
import type * as opening from './support/open-example.ts'

describe('examples/step-up', () => {
  const elapsed = performance.now.bind(performance)
  let minutesLater = 0
  let example: Awaited<ReturnType<typeof opening.openExample>>

  beforeAll(async () => {
    // Before the package is loaded, because the in-process store gets its clock then.
    jest.spyOn(performance, 'now').mockImplementation(() => elapsed() + minutesLater * 60_000)
    const { openExample } = await import('./support/open-example.ts')
    example = await openExample('step-up')
  })
  afterAll(async () => {
    jest.restoreAllMocks()
    await example.stop()
  })

  it('asks for the password again after five minutes, and goes on with the same session data', async () => {
    const agent = example.agent()
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
    expect(await (example.exports.auth as RopgAuth).sessions.list(login.user.id)).toHaveLength(1)
  })
})
