import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { ada, type Agent, grace, logIn } from './support/client.ts'
import { runExample } from './support/run-example.ts'

let redis: RedisServer
let example: Awaited<ReturnType<typeof runExample>>

beforeAll(async () => {
  redis = await startRedis()
  process.env.REDIS_URL = redis.url
  example = await runExample('graphql', ['npm', 'run', 'example'])
})
afterAll(async () => {
  await example.stop()
  await redis.stop()
})

const ask = async (agent: Agent, query: string) => (await agent.post('/graphql').send({ query })).body

it('says who is logged in, and nothing without a login', async () => {
  expect(await ask(example.agent(), '{ me { name } }')).toEqual({ data: { me: null } })
  const agent = await logIn(example.agent())
  expect(await ask(agent, '{ me { name } }')).toEqual({ data: { me: { name: ada.name } } })
})

it('refuses anonymous changes with a code for clients and a sentence for users, without a stack', async () => {
  const { errors } = await ask(example.agent(), 'mutation { addNote(text: "tea") { text } }')
  expect(errors).toEqual([
    {
      message: 'Please log in to continue.',
      extensions: { code: 'unauthenticated' },
      locations: expect.any(Array),
      path: ['addNote'],
    },
  ])
})

it('shows users only their own notes', async () => {
  const [one, other] = [await logIn(example.agent()), await logIn(example.agent(), grace)]
  await ask(one, 'mutation { addNote(text: "tea") { text } }')
  expect(await ask(one, '{ notes { text } }')).toEqual({ data: { notes: [{ text: 'tea' }] } })
  expect(await ask(other, '{ notes { text } }')).toEqual({ data: { notes: [] } })
})

it('does not treat a form from another site as a query', async () => {
  const agent = await logIn(example.agent())
  for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
    const query = JSON.stringify({ query: 'mutation { addNote(text: "planted") { text } }' })
    const { status } = await agent.post('/graphql').set('Origin', 'https://evil.example').type(type).send(query)
    expect(status).toBeGreaterThanOrEqual(400)
  }
  expect(JSON.stringify(await ask(agent, '{ notes { text } }'))).not.toContain('planted')
})
