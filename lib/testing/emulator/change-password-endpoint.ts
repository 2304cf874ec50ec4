import type { Answer } from './answer.js'
import { textParam } from './body.js'
import { databaseRefusal, saying, throttled } from './database-refusal.js'
import type { Call, Endpoint } from './endpoints.js'
import type { World } from './world.js'

/** Plain text, not JSON. Unknown addresses get the same response. */
const SENT: Answer = { status: 200, body: "We've just sent you an email to reset your password." }
const HTML = { 'content-type': 'text/html; charset=utf-8' }

/** `POST /dbconnections/change_password`: sends a password reset email. */
export function changePasswordEndpoint(world: World): Endpoint {
  return {
    methods: ['POST'],
    answer(call): Answer {
      const email = required(call, 'email')
      const connection = required(call, 'connection')
      const clientId = textParam(call.params, 'client_id') ?? world.signing.clientId
      if (clientId !== world.signing.clientId) throw databaseRefusal('unknownClient')
      if (!world.tenant.connections.includes(connection)) throw databaseRefusal('unknownConnection')
      if (world.tenant.enterpriseDomains.includes(domainOf(email))) throw databaseRefusal('enterpriseEmail')
      const headers = countReset(world, email, call.record.clientIp)
      const user = world.users.findAccount(connection, email)
      if (user) world.resets.push({ email: user.email, at: world.signing.clock.now() })
      return { ...SENT, headers: { ...headers, ...HTML } }
    },
  }
}

function required({ params }: Call, name: string): string {
  const value = textParam(params, name)
  if (value === undefined) throw saying(`missing ${name} parameter`)
  return value
}

function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1).toLowerCase()
}

function countReset({ tenant, buckets }: World, email: string, address: string): Record<string, string> {
  const size = { limit: tenant.resetLimit, perMinute: 1 }
  const { isEmpty, headers } = buckets.draw(`reset ${address} ${email.toLowerCase()}`, size)
  if (isEmpty) throw throttled('too_many_requests', headers)
  return headers
}
