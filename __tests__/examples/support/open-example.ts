import request from 'supertest'
import { startExample } from '../../../examples/start-example.ts'
import { portSettings } from './ports.ts'

/** Starts an example in this process, like its command. */
export async function openExample(name: string, settings: { REDIS_URL?: string } = {}) {
  delete process.env.REDIS_URL
  Object.assign(process.env, await portSettings(), settings)
  const example = await startExample(name)
  return { ...example, agent: () => request.agent(example.url) }
}
