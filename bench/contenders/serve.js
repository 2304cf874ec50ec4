import { once } from 'node:events'
import { createServer } from 'node:http'

/** Listens on a free loopback port, reports it to the parent, answers its questions, and exits with it. */
export async function serve(createApp, answers = {}) {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}`
  server.on('request', await createApp(url))
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
