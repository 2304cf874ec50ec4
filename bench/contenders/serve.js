import { once } from 'node:events'
import { createServer, IncomingMessage, ServerResponse } from 'node:http'
import { settings } from './settings.js'

/** Listens on a free loopback port, tells the parent, and answers what it asks. Ends with the parent. */
export async function serve(createApp, answers = {}) {
  const born = settings.variant.includes('born-express')
  const server = createServer(born ? { IncomingMessage: AppRequest, ServerResponse: AppResponse } : {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}`
  const app = await createApp(url)
  if (born) makeExpress(app)
  server.on('request', app)
  process.on('message', ({ id, ask, ...input }) => {
    void Promise.resolve(answerTo(ask, input, answers)).then((answer) => process.send({ id, answer }))
  })
  process.on('disconnect', () => process.exit())
  process.send({ ready: url })
}

function answerTo(ask, input, answers) {
  if (ask === 'usage') return { cpu: process.cpuUsage(), memory: process.memoryUsage() }
  if (ask === 'collect') return globalThis.gc?.()
  return answers[ask](input)
}

class AppRequest extends IncomingMessage {}
class AppResponse extends ServerResponse {}

/** As in the README: Express finds on each request the prototype that it would give it. */
function makeExpress(app) {
  Object.setPrototypeOf(AppRequest.prototype, app.request)
  Object.setPrototypeOf(AppResponse.prototype, app.response)
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype })
}
