import type request from 'supertest'
import { users } from '../../../examples/users.ts'

interface User {
  email: string
  password: string
  name: string
}

export const [ada, grace, otp] = users as [User, User, User]

/** Keeps cookies. */
export type Agent = ReturnType<typeof request.agent>

export async function logIn(agent: Agent, { email, password } = ada, path = '/api/auth/login'): Promise<Agent> {
  await agent.post(path).send({ email, password }).expect(200)
  return agent
}

/** Posts a form like a browser. */
export async function submit(agent: Agent, path: string, fields: object = {}) {
  const headers = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Site': 'same-origin' }
  return agent.post(path).set(headers).type('form').send(fields)
}
