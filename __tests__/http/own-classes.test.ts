import { createServer, IncomingMessage, ServerResponse, type Server } from 'node:http'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { Express } from 'express'
import request from 'supertest'
import { ada, startApp } from '../support/app.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** A server whose requests have Express's prototype from the start, as the README shows it. */
function serve(app: Express): Server {
  class AppRequest extends IncomingMessage {}
  class AppResponse extends ServerResponse {}
  Object.setPrototypeOf(AppRequest.prototype, app.request)
  Object.setPrototypeOf(AppResponse.prototype, app.response)
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype })
  const server = createServer({ IncomingMessage: AppRequest, ServerResponse: AppResponse }, app)
  servers.push(server)
  return server.listen(0)
}

describe("a server that makes Express's own requests", () => {
  it('logs in, keeps what is put into the session, and logs out', async () => {
    const { app } = await startApp({
      after: (app, auth) => {
        app.post('/cart', auth.requireAuth, (req, res) => {
          Object.assign(req.session, { cart: 'a book' })
          res.json({ kept: true })
        })
        app.get('/cart', auth.requireAuth, (req, res) => {
          res.end(JSON.stringify({ sub: req.auth.sub, cart: Reflect.get(req.session, 'cart') as unknown }))
        })
      },
    })
    const agent = request.agent(serve(app))
    await agent.get('/me').expect(401)

    await agent.post('/auth/login').send({ email: ada.email, password: ada.password }).expect(200)
    await agent.post('/cart').expect(200)
    const { text } = await agent.get('/cart').expect(200)
    const { body } = await agent.get('/me').expect(200)
    await agent.post('/auth/logout').expect(200)

    expect(JSON.parse(text)).toEqual({ sub: body.sub, cart: 'a book' })
    await agent.get('/me').expect(401)
  })
})
