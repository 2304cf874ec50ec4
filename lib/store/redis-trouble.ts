import type { Cluster, Redis, RedisOptions } from 'ioredis'

/** Describes an error to operators: where Redis is, what was seen, and what to check. */
export type Describe = (err: unknown) => string

/** `deadline`: milliseconds for one call. `listens`: whether to listen to the errors of the connection. */
export function createDescribe(client: Redis | Cluster, deadline: number, listens: boolean): Describe {
  let met: string | undefined
  let wasReady = client.status === 'ready'
  if (listens) {
    client.on('error', (err: Error & { lastNodeError?: unknown }) => {
      // Cluster wraps the errors of its nodes.
      met = kindOf(err.lastNodeError ?? err) ?? met
    })
  }
  client.on('ready', () => {
    met = undefined
    wasReady = true
  })
  const options = (client.isCluster ? {} : client.options) as RedisOptions
  const where = client.isCluster ? 'the nodes of the cluster' : placeOf(options)
  return (err) => {
    // A client without an error listener keeps its last error in the stream.
    const ofSocket = met ?? kindOf((client as Partial<Redis>).stream?.errored)
    const seen = refusalOf(err) ?? ofSocket ?? failureOf(err, deadline)
    return `Redis at ${where}: ${seen}${wasReady ? '' : adviceFor(ofSocket, options)}`
  }
}

function placeOf({ host = 'localhost', port = 6379, path, sentinels, name = '' }: RedisOptions): string {
  if (sentinels) return `the master ${name} of its sentinels`
  return path ?? `${host}:${String(port)}`
}

/** Advice for a connection that has never worked. */
function adviceFor(met: string | undefined, { tls }: RedisOptions): string {
  if (met !== undefined && !/^(E?TIMEDOUT|ECONNRESET|EPIPE|EPROTO|ERR_SSL)/.test(met)) return ': check the redis option'
  return `: check the redis option (${tls ? 'rediss: and tls are for ports that use TLS' : 'a port that uses TLS needs rediss:'})`
}

const UNKNOWN = 'unknown command $1 (Redis 6.0 or later is required, and its commands by name)'
const UNKNOWN_IN_SCRIPT = 'a script called an unknown command (Redis 6.0 or later is required)'
const NOPERM = 'NOPERM: the Redis user may not run $1: allow it in the ACL of that user'
const OOM = 'OOM: Redis has reached its maxmemory: raise it, or give sessions a Redis of their own'
const MISCONF = 'MISCONF: Redis cannot persist its data and refuses writes: see the Redis log'
const READONLY = 'READONLY: this is a replica, and sessions need the primary: set the redis option to that'

/** What Redis replies when it refuses some commands while others succeed. */
const REFUSALS: readonly (readonly [pattern: RegExp, text: string])[] = [
  [/^ERR unknown command [`'"]?(\w+)/i, UNKNOWN],
  [/unknown redis command/i, UNKNOWN_IN_SCRIPT],
  [/^NOPERM .*?'([\w|]+)' command/i, NOPERM],
  [/\bOOM command not allowed/, OOM],
  [/^MISCONF\b/, MISCONF],
  // In a script, Redis 6 puts ERR before it.
  [/\bREADONLY\b/, READONLY],
]

function refusalOf(err: unknown): string | undefined {
  const said = textOf(err)
  const [pattern, text = ''] = REFUSALS.find(([refusal]) => refusal.test(said)) ?? []
  return pattern && text.replace('$1', pattern.exec(said)?.[1] ?? '')
}

export const isRefusal = (err: unknown): boolean => refusalOf(err) !== undefined

/** No reply at all, so the next command would only wait in vain. */
export function isUnreachable(err: unknown): boolean {
  const { name, code } = Object(err) as { name?: unknown; code?: unknown }
  return (
    name === 'MaxRetriesPerRequestError' ||
    (typeof code === 'string' && /^(TIMEOUT|E[A-Z]+)$/.test(code)) ||
    /^(Connection is closed|Command timed out|Stream isn't writeable)/.test(textOf(err))
  )
}

/** Only the kind of error, because messages of Redis can quote the arguments of a command. */
function kindOf(err: unknown): string | undefined {
  const { code, name } = Object(err) as { code?: unknown; name?: unknown }
  const replied = /^[A-Z]{3,}\b/.exec(textOf(err))?.[0]
  const kind = [code, replied === 'ERR' ? undefined : replied, name].find((part) => typeof part === 'string')
  return kind === 'MaxRetriesPerRequestError' ? undefined : kind
}

function failureOf(err: unknown, deadline: number): string {
  const kind = kindOf(err)
  return kind === 'TIMEOUT' ? `no answer within ${String(deadline)} ms` : (kind ?? 'the connection was closed')
}

function textOf(err: unknown): string {
  const { message } = Object(err) as { message?: unknown }
  return typeof message === 'string' ? message : ''
}
