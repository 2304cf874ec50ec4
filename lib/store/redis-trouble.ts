import type { Cluster, Redis, RedisOptions } from 'ioredis'

/** Describes an error to operators: where Redis is, what was seen, and what to check. */
export type Describe = (err: unknown) => string

export interface DescribeParts {
  /** Whether to listen to the errors of the connection. */
  listens: boolean
  /** Milliseconds for one call. */
  deadline: number
}

export function createDescribe(client: Redis | Cluster, { listens, deadline }: DescribeParts): Describe {
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
    const ofSocket = met ?? lastOf(client)
    const seen = refusalOf(err) ?? ofSocket ?? failureOf(err, deadline)
    return `Redis at ${where}: ${seen}${wasReady ? '' : adviceFor(ofSocket, options)}`
  }
}

/** The last connection error of a client that has no error listener. */
function lastOf(client: Redis | Cluster): string | undefined {
  const { stream } = client as Partial<Redis>
  return stream?.errored ? kindOf(stream.errored) : undefined
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

const SERVER_SAID: readonly (readonly [pattern: RegExp, text: (command: string) => string])[] = [
  [
    /^ERR unknown command [`'"]?(\w+)/i,
    (command) => `unknown command ${command} (Redis 6.0 or later is needed, and its commands by name)`,
  ],
  [/unknown redis command/i, () => 'a script called an unknown command (Redis 6.0 or later is needed)'],
  [
    /^NOPERM .*?'([\w|]+)' command/i,
    (command) => `NOPERM: the Redis user may not run ${command}: allow it in the ACL of that user`,
  ],
  [
    /\bOOM command not allowed/,
    () => 'OOM: Redis has reached its maxmemory: raise it, or give sessions a Redis of their own',
  ],
  [/^MISCONF\b/, () => 'MISCONF: Redis cannot save its data and takes no writes: see the log of Redis'],
  // In a script, Redis 6 puts ERR before it.
  [/\bREADONLY\b/, () => 'READONLY: this is a replica, and sessions need the primary: set the redis option to that'],
]

/** Refusals that affect some commands while others succeed. */
export function isRefusal(err: unknown): boolean {
  return refusalOf(err) !== undefined
}

/** No reply at all, so the next command would only wait in vain. */
export function isUnreachable(err: unknown): boolean {
  const { name, code } = Object(err) as { name?: unknown; code?: unknown }
  return (
    name === 'MaxRetriesPerRequestError' ||
    (typeof code === 'string' && /^(TIMEOUT|E[A-Z]+)$/.test(code)) ||
    /^(Connection is closed|Command timed out|Stream isn't writeable)/.test(textOf(err))
  )
}

function refusalOf(err: unknown): string | undefined {
  const said = textOf(err)
  for (const [pattern, text] of SERVER_SAID) {
    const match = pattern.exec(said)
    if (match) return text(match[1] ?? '')
  }
  return undefined
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
  if (kind === 'TIMEOUT') return `no answer within ${String(deadline)} ms`
  return kind ?? 'the connection was closed'
}

function textOf(err: unknown): string {
  const { message } = Object(err) as { message?: unknown }
  return typeof message === 'string' ? message : ''
}
