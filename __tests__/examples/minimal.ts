import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { ada, logIn } from './support/client.ts'
import { openExample } from './support/open-example.ts'

describe('examples/minimal', () => {
  let example: Awaited<ReturnType<typeof openExample>>

  beforeAll(async () => {
    example = await openExample('minimal')
  })
  afterAll(() => example.stop())

  it('logs in, returns the user, and logs out', async () => {
    const agent = await logIn(example.agent())
    expect((await agent.get('/api/me').expect(200)).body).toEqual({
      sub: expect.stringMatching(/^auth0\|/),
      name: ada.name,
    })
    await agent.post('/api/auth/logout').expect(200, { success: true })
    await agent.get('/api/me').expect(401)
  })

  it('refuses a wrong password, and a cookie that it has not signed', async () => {
    const { body } = await example
      .agent()
      .post('/api/auth/login')
      .send({ email: ada.email, password: 'wrong' })
      .expect(401)
    expect(body.error).toBe('invalid_credentials')
    const forged = await example.agent().get('/api/me').set('Cookie', 'auth=s%3Aforged.signature').expect(401)
    expect(forged.body.error).toBe('unauthenticated')
  })
})
