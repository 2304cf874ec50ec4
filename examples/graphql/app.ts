import { ApolloServer } from '@apollo/server'
import { unwrapResolverError } from '@apollo/server/errors'
import { expressMiddleware } from '@as-integrations/express5'
import express from 'express'
import { AuthError, createRopgAuth, type RequestAuth } from 'express-auth0-ropg'

interface Context {
  login: RequestAuth | undefined
}

export const auth = createRopgAuth()
const app = express()

app.use('/api/auth', auth.router)

const typeDefs = `
  type User { sub: ID!, name: String }
  type Note { text: String! }
  type Query { me: User, notes: [Note!]! }
  type Mutation { addNote(text: String!): Note! }
`

// Stands in for a table of your database.
const notes = new Map<string, { text: string }[]>()

function requireLogin({ login }: Context): RequestAuth {
  if (!login) throw new AuthError('unauthenticated')
  return login
}

const resolvers = {
  Query: {
    me: (_parent: unknown, _args: unknown, { login }: Context) => login?.user,
    notes: (_parent: unknown, _args: unknown, context: Context) => notes.get(requireLogin(context).sub) ?? [],
  },
  Mutation: {
    addNote(_parent: unknown, { text }: { text: string }, context: Context) {
      const { sub } = requireLogin(context)
      notes.set(sub, [...(notes.get(sub) ?? []), { text }])
      return { text }
    },
  },
}

const graphql = new ApolloServer<Context>({
  typeDefs,
  resolvers,
  // The message of an AuthError may be shown to users. Its code tells clients what to do.
  formatError(formatted, error) {
    const cause = unwrapResolverError(error)
    return cause instanceof AuthError ? { ...formatted, extensions: { code: cause.code } } : formatted
  },
})
await graphql.start()

// Reads JSON only, which browsers send to another origin only after asking, and nothing here answers that question.
app.use(
  '/graphql',
  express.json(),
  expressMiddleware(graphql, { context: async ({ req }) => ({ login: await auth.authenticate(req) }) }),
)

export const server = app.listen(process.env.PORT ?? 3000)
