import { createServer } from 'node:http'
import express from 'express'
import { AuthError, createRopgAuth, getAuth } from 'express-auth0-ropg'
import { Server, type Socket } from 'socket.io'

const auth = createRopgAuth()
const app = express()
const server = createServer(app)

app.use('/api/auth', auth.router)

// For logged-in users only: every HTTP request and every upgrade of an anonymous client is refused.
const chat = new Server(server, { path: '/chat' })

chat.engine.use(auth.requireAuth)

chat.on('connection', (socket) => {
  const { user } = getAuth(socket.request)
  socket.on('whoami', (reply: (answer: unknown) => void) => {
    reply(user)
  })
})

// Tells an anonymous client why it is refused, and notices when a session ends while the connection is open.
const news = new Server(server, { path: '/news' })

async function requireLogin(socket: Socket): Promise<void> {
  const login = await auth.authenticate(socket.request)
  if (!login) throw new AuthError('unauthenticated')
  socket.data = login.user
}

news.use((socket, next) => {
  requireLogin(socket).then(() => {
    next()
  }, next)
})

news.on('connection', (socket) => {
  socket.use((_event, next) => {
    requireLogin(socket).then(() => {
      next()
    }, next)
  })
  socket.on('error', () => {
    socket.disconnect()
  })
  socket.on('whoami', (reply: (answer: unknown) => void) => {
    reply(socket.data)
  })
})

server.listen(process.env.PORT)
