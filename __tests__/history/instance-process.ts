import type { AddressInfo } from 'node:net'
import express from 'express'
import { createRopgAuth, type RopgAuthOptions } from '../../lib/index.ts'

/** Sent by the process when it is ready. */
export interface Ready {
  port: number
}

/** Sent to the process: milliseconds that its clock is ahead. */
export interface Clock {
  ahead: number
}

const { options, ahead: atStart } = JSON.parse(process.env.INSTANCE ?? '{}') as {
  options: RopgAuthOptions
  ahead: number
}
let ahead = atStart
const auth = createRopgAuth({ ...options, logger: false, rateLimit: false }, { clock: () => Date.now() + ahead })
const app = express()
app.use('/auth', auth.router)
app.get('/me', auth.requireAuth, (req, res) => {
  res.json({ sub: req.auth.sub, sessionId: req.auth.sessionId })
})
app.get('/token', auth.requireAuth, (req, res) => {
  req.auth.getAccessToken().then(
    (token) => res.json(token),
    (err: unknown) => res.status((err as { status?: number }).status ?? 500).json(err),
  )
})
app.post('/write', auth.session, auth.requireAuth, (req, res) => {
  Object.assign(req.session, { note: Math.random() })
  res.json({})
})
const server = app.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port } satisfies Ready)
})
// An idle connection closed by the server right when it is reused would look like a killed process.
server.keepAliveTimeout = 0
process.on('message', (clock: Clock) => {
  ahead = clock.ahead
  process.send?.({ port: 0 } satisfies Ready)
})
// The test has ended.
process.on('disconnect', () => process.exit())
