import { createServer } from 'node:http'
import express from 'express'
import { createRopgAuth, getAuth } from 'express-auth0-ropg'
import { Server } from 'socket.io'

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

server.listen(process.env.PORT)
