import type { AddressInfo } from 'node:net'
import express from 'express'
import { AuthError, createRopgAuth, type RopgAuthOptions } from '../../lib/index.ts'

/** Sent by the process once it listens. */
export interface Ready {
  url: string
}

const auth = createRopgAuth({ ...(JSON.parse(process.env.APP_OPTIONS ?? '{}') as RopgAuthOptions), logger: false })
const app = express()
app.use('/auth', auth.router)
app.get('/public', (_req, res) => {
  res.json({ open: true })
})
app.get('/me', auth.requireAuth, (req, res) => {
  res.json({ sub: req.auth.sub })
})
app.get('/token', auth.requireAuth, async (req, res) => {
  try {
    const { accessToken } = await req.auth.getAccessToken()
    res.json({ accessToken })
  } catch (err) {
    if (!(err instanceof AuthError)) throw err
    res.status(err.status).set(err.headers).json(err)
  }
})
const server = app.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}` } satisfies Ready)
})
process.once('SIGTERM', () => {
  process.off('disconnect', die)
  server.close(() => {
    void auth.close()
    process.send?.('closing', () => process.disconnect())
  })
  // As if all clients had disconnected: only pending work of the package keeps the process alive.
  server.closeAllConnections()
})
// The parent process has ended.
const die = () => process.exit(1)
process.on('disconnect', die)
