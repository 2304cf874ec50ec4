import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { AuthError, createRopgAuth } from 'express-auth0-ropg'
import { Server, type Socket } from 'socket.io'

const ownOrigin = process.env.BASE_URL ?? 'http://localhost:3000'

export const auth = createRopgAuth()
const app = express()
export const server = createServer(app)

app.use('/api/auth', auth.router)
app.use(express.static(fileURLToPath(new URL('public', import.meta.url))))

export const io = new Server(server, {
  // CORS does not apply to WebSockets, so other origins have to be refused here.
  allowRequest({ headers: { origin } }, decide) {
    decide(null, origin === undefined || origin === ownOrigin)
  },
})

async function requireLogin(socket: Socket): Promise<void> {
  const login = await auth.authenticate(socket.request)
  if (!login) throw new AuthError('unauthenticated')
  socket.data = { name: login.user.name }
}

// The client gets the message of the AuthError in `connect_error`.
io.use((socket, next) => {
  requireLogin(socket).then(() => {
    next()
  }, next)
})

io.on('connection', (socket) => {
  // Again for each message, because a connection stays open after its session has ended.
  socket.use((_event, next) => {
    requireLogin(socket).then(() => {
      next()
    }, next)
  })
  socket.on('error', () => {
    socket.disconnect()
  })
  socket.on('say', (text: unknown) => {
    const { name } = socket.data as { name?: string }
    if (typeof text === 'string') io.emit('said', { name, text: text.slice(0, 500) })
  })
})

server.listen(process.env.PORT ?? 3000)
