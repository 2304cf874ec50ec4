// One app process, driven by core.mjs: guards, session routes, and a clock that moves on a message.
import { createRequire } from 'node:module'
import express from 'express'
import { createRopgAuth } from 'express-auth0-ropg'
import { Cluster, Redis } from 'ioredis'

const { redis, ...options } = JSON.parse(process.env.CORE_APP ?? '{}')
let ahead = 0

const client = connect(redis)
client.on('error', () => undefined)
const auth = createRopgAuth(
  { ...options, redis: client, mfa: 'api', rateLimit: false, logger: false, pages: { login: '/login' } },
  { clock: () => Date.now() + ahead },
)
const app = express()
app.use('/auth', auth.router)
app.get('/me', auth.requireAuth, (req, res) => {
  res.json({ sub: req.auth.sub })
})
app.get('/token', auth.requireAuth, (req, res, next) => {
  req.auth.getAccessToken().then((token) => res.json(token), next)
})
app.use(auth.requireAuth, (req, res) => {
  res.json({})
})
const server = app.listen(0, '127.0.0.1', () => {
  auth.ready().then(
    () => process.send?.({ port: server.address().port, versions: versions() }),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
})

process.on('message', (message) => {
  ahead = message.ahead
  process.send?.({ moved: true })
})
process.on('disconnect', () => process.exit())

function versions() {
  const require = createRequire(import.meta.url)
  const versionOf = (name) => require(`${name}/package.json`).version
  return { node: process.versions.node, express: versionOf('express'), ioredis: versionOf('ioredis') }
}

function connect({ nodes, ...settings }) {
  const deadline = { commandTimeout: 1000, maxRetriesPerRequest: 1 }
  if (nodes) return new Cluster(nodes, { redisOptions: { ...settings, ...deadline } })
  return new Redis({ ...settings, ...deadline })
}
