import { afterAll, beforeAll, describe, it } from '@jest/globals'
import { ada, grace, logIn } from './support/client.ts'
import { openExample } from './support/open-example.ts'

describe('examples/nestjs', () => {
  let example: Awaited<ReturnType<typeof openExample>>

  beforeAll(async () => {
    example = await openExample('nestjs')
  })
  afterAll(() => example.stop())

  it('guards a controller, which stores notes per user', async () => {
    const [one, other] = [await logIn(example.agent()), await logIn(example.agent(), grace)]
    await one
      .post('/notes')
      .send({ text: 'tea' })
      .expect(201, { notes: ['tea'] })
    await one.get('/notes').expect(200, { owner: ada.name, notes: ['tea'] })
    await other.get('/notes').expect(200, { owner: grace.name, notes: [] })
  })

  it('responds without a login like the router', async () => {
    const expected = { success: false, error: 'unauthenticated', message: 'Please log in to continue.' }
    await example.agent().get('/notes').expect(401, expected)
    await example.agent().post('/notes').send({ text: 'tea' }).expect(401, expected)
    await example.agent().get('/api/auth/user').expect(401, expected)
  })

  it('refuses a session that has ended', async () => {
    const agent = await logIn(example.agent())
    await agent.post('/api/auth/logout').expect(200)
    await agent.get('/notes').expect(401)
  })
})
