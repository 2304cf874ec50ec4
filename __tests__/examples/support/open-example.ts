import request from 'supertest'
import { startExample } from '../../../examples/start-example.ts'
import { portSettings } from './ports.ts'

/** Starts an example in this process, as its command does. */
export async function openExample(name: string) {
  Object.assign(process.env, await portSettings())
  const example = await startExample(name)
  return { ...example, agent: () => request.agent(example.url) }
}
