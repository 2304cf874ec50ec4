import cors from 'cors'
import express from 'express'
import { createRopgAuth } from 'express-auth0-ropg'

// In production, use two hosts of one site, such as https://app.example.com and https://api.example.com: browsers do not
// send the session cookie, which is SameSite=Lax, to other sites.
const frontEnd = process.env.WEB_URL ?? 'http://localhost:5173'

export const auth = createRopgAuth({ allowedOrigins: [frontEnd] })
const app = express()

// One origin, never `*` or a reflected one: with credentials, it would let every site read what your users see.
app.use(cors({ origin: frontEnd, credentials: true, exposedHeaders: ['Retry-After'] }))
app.use('/api/auth', auth.router)

const todos = new Map<string, string[]>()

app.get('/api/todos', auth.requireAuth, (req, res) => {
  res.json({ todos: todos.get(req.auth.sub) ?? [] })
})

// Reads JSON only: from another origin, browsers ask first whether they may send that, and `cors` declines.
app.post('/api/todos', auth.requireAuth, express.json(), (req, res) => {
  const { text } = (req.body ?? {}) as { text?: unknown }
  if (typeof text !== 'string' || text === '') {
    res.status(400).json({ message: 'A to-do needs a text.' })
    return
  }
  todos.set(req.auth.sub, [...(todos.get(req.auth.sub) ?? []), text])
  res.status(201).json({ text })
})

export const server = app.listen(process.env.PORT ?? 3000)
