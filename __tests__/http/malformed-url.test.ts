import { describe, expect, it } from '@jest/globals'
import type express from 'express'
import type { Express } from 'express'
import request from 'supertest'
import { signIn } from '../../lib/testing/index.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { refusal } from './wire.ts'

const invalid = refusal('invalid_request', { fields: { path: 'is malformed' } })

const ESCAPES = ['%E0%A4%A', '%', '%zz', '%ff', 'a%2', '%C0%AF', '..%2f%E0']

async function expectInvalid(app: Express, { method, path }: { method: 'get' | 'post' | 'delete'; path: string }) {
  const response = await request(app)[method](path)
  expect([response.status, response.body]).toEqual([400, invalid])
  expect(response.headers['content-type']).toMatch(/^application\/json/)
  expect(response.headers['cache-control']).toBe('no-store')
  expect(response.text).not.toMatch(/URIError|at .*\.js/)
}

const expectNoBug = (app: TestApp) => expect(app.logged).toEqual([])

describe('findings 41: a path below the router that cannot be decoded', () => {
  it.each(ESCAPES)('is invalid_request: %s', async (escape) => {
    const app = await startApp({ store: 'memory' })
    await expectInvalid(app.app, { method: 'delete', path: `/auth/sessions/${escape}` })
    await expectInvalid(app.app, { method: 'get', path: `/auth/sessions/${escape}` })
    await expectInvalid(app.app, { method: 'get', path: `/auth/${escape}` })
    await expectInvalid(app.app, { method: 'post', path: `/auth/login/${escape}` })
    await expectInvalid(app.app, { method: 'get', path: `/auth/user${escape}` })
    expectNoBug(app)
  })

  it('is invalid_request for somebody who is logged in', async () => {
    const app = await startApp({ store: 'memory' })
    const agent = await signIn(app.agent(), app.auth)
    const { status, body } = await agent.delete('/auth/sessions/%E0%A4%A')
    expect([status, body]).toEqual([400, invalid])
  })

  it('is passed to onError like any other error', async () => {
    const onError = (err: { code: string }, _req: unknown, res: express.Response) => res.status(418).json(err.code)
    const app = await startApp({ store: 'memory', options: { onError } })
    await request(app.app).get('/auth/%').expect(418, '"invalid_request"')
  })

  it('ignores a malformed query', async () => {
    const app = await startApp({ store: 'memory' })
    await request(app.app).get('/auth/user?next=%E0%A4%A').expect(401, refusal('unauthenticated'))
  })

  it('ignores paths that can be decoded', async () => {
    const app = await startApp({ store: 'memory' })
    const agent = await signIn(app.agent(), app.auth)
    await agent.delete('/auth/sessions/%E2%82%AC%25').expect(204)
  })
})

describe('findings 41: with the router at /', () => {
  const atRoot = (app: Express, auth: TestApp['auth']) => {
    app.use(auth.router)
    app.use('/files', (req, res) => void res.json({ url: req.url }))
  }

  it.each(ESCAPES)('a route of ours answers invalid_request: %s', async (escape) => {
    const app = await startApp({ store: 'memory', before: atRoot })
    await expectInvalid(app.app, { method: 'delete', path: `/sessions/${escape}` })
    expectNoBug(app)
  })

  it('the routes of the app get their requests', async () => {
    const app = await startApp({ store: 'memory', before: atRoot })
    await request(app.app).get('/files/%E4').expect(200, { url: '/%E4' })
  })
})
