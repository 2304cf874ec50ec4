// Jest runs this before each test file. It compares every router response that a client in this process receives with
// openapi.json. Router responses are recognized by their mount path, which ends in /auth.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { afterAll, afterEach, beforeAll } from '@jest/globals'
import type { Answer } from './openapi.ts'

const MOUNTED = /^.*?\/auth(?=[/?]|$)([^?]*)/i
/** Published by node:http, which supertest also uses. */
const CHANNEL = 'http.client.response.finish'
const answers: Answer[] = []

function keep(answer: Answer): void {
  const [, path] = MOUNTED.exec(answer.path) ?? []
  // Apps set this header on responses that do not come from the router.
  if (path !== undefined && !('x-app' in answer.headers)) answers.push({ ...answer, path })
}

function onResponse(message: unknown): void {
  const { request, response } = message as { request: ClientRequest; response: IncomingMessage }
  const { statusCode: status = 0, headers } = response
  const body: Buffer[] = []
  const push = response.push.bind(response)
  response.push = (chunk: Buffer | null, encoding) => {
    if (chunk) body.push(chunk)
    else keep({ method: request.method, path: request.path, status, headers, body: Buffer.concat(body).toString() })
    return push(chunk, encoding)
  }
}

const { fetch } = globalThis

const keepingFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init)
  const { pathname: path } = new URL(response.url)
  if (!MOUNTED.test(path)) return response
  const method = init?.method ?? (input instanceof Request ? input.method : 'GET')
  const { status, headers } = response
  keep({ method, path, status, headers: Object.fromEntries(headers), body: await response.clone().text() })
  return response
}

async function compare(): Promise<void> {
  if (answers.length === 0) return
  // Loaded on demand, because parsing the document is slow.
  const { expectDescribed } = await import('./openapi.ts')
  expectDescribed(answers.splice(0))
}

beforeAll(() => {
  subscribe(CHANNEL, onResponse)
  globalThis.fetch = keepingFetch
})
afterEach(compare)
afterAll(async () => {
  unsubscribe(CHANNEL, onResponse)
  await compare()
})
