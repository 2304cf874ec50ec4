import { createServer, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import express from 'express'
import { AuthError, createRopgAuth, type RequestAuth } from 'express-auth0-ropg'
import { WebSocketServer, type WebSocket } from 'ws'

const auth = createRopgAuth()
const app = express()
const server = createServer(app)

app.use('/api/auth', auth.router)

const sockets = new WebSocketServer({ noServer: true })

server.on('upgrade', (req, socket, head) => {
  const onSocketError = () => socket.destroy()
  // Without a listener, a client that disconnects during the check would end the process.
  socket.on('error', onSocketError)
  auth.authenticate(req).then(
    (login) => {
      if (!login) {
        refuse(socket, 401)
        return
      }
      sockets.handleUpgrade(req, socket, head, (ws) => {
        socket.off('error', onSocketError)
        welcome(ws, login)
      })
    },
    (err: unknown) => {
      refuse(socket, err instanceof AuthError ? err.status : 500)
    },
  )
})

function refuse(socket: Duplex, status: number) {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
  socket.end(head, () => socket.destroy())
}

function welcome(ws: WebSocket, { user }: RequestAuth) {
  ws.on('error', console.error)
  ws.send(`Hello, ${user.name}`)
}

server.listen(process.env.PORT)
