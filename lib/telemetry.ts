import { metrics, SpanKind, SpanStatusCode, trace, type Attributes, type Span } from '@opentelemetry/api'

/** Without a registered SDK, spans and metrics do nothing. */
const SCOPE = 'express-auth0-ropg'

export type { Attributes }

/** Runs an operation, such as a login or refresh, in a span. */
export function traced<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  return trace.getTracer(SCOPE).startActiveSpan(name, (span) => finishing(span, work))
}

/** Runs a single call in a span, but only within a trace, so that untraced requests cost nothing. */
export function tracedCall<Result>(name: string, attributes: Attributes, work: () => Promise<Result>): Promise<Result> {
  if (!trace.getActiveSpan()?.isRecording()) return work()
  const options = { kind: SpanKind.CLIENT, attributes }
  return trace.getTracer(SCOPE).startActiveSpan(name, options, (span) => finishing(span, work))
}

/** Records only the code of an error, because its text may contain secrets. */
async function finishing<Result>(span: Span, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (err) {
    const { code } = Object(err) as { code?: unknown }
    span.setAttribute('error.type', typeof code === 'string' ? code : 'error')
    span.setStatus({ code: SpanStatusCode.ERROR })
    throw err
  } finally {
    span.end()
  }
}

const meter = () => metrics.getMeter(SCOPE)

/** Created on first use, so that an SDK can be registered until the first login. */
const instruments = {
  logins: once(() => meter().createCounter('auth.logins', { description: 'Logins by outcome' })),
  refreshes: once(() => meter().createCounter('auth.refreshes', { description: 'Refresh grants by outcome' })),
  limited: once(() => meter().createCounter('auth.rate_limited', { description: 'Requests that a limit refused' })),
  lockWait: once(() => meter().createHistogram('auth.refresh.lock_wait', { unit: 's' })),
  // Named by the semantic conventions.
  store: once(() => meter().createHistogram('db.client.operation.duration', { unit: 's' })),
}

/** An outcome is `success` or an error code. */
export function countLogin(outcome: string): void {
  instruments.logins().add(1, { outcome })
}

export function countRefresh(outcome: string): void {
  instruments.refreshes().add(1, { outcome })
}

export function countLimited(limit: string): void {
  instruments.limited().add(1, { limit })
}

export function recordLockWait(milliseconds: number): void {
  instruments.lockWait().record(milliseconds / 1000)
}

const REDIS = { 'db.system.name': 'redis' }

/** Runs a call to Redis in a span, and records its duration. */
export async function tracedStoreCall<Result>(call: () => Promise<Result>): Promise<Result> {
  const started = performance.now()
  const record = (attributes: Attributes) => {
    instruments.store().record((performance.now() - started) / 1000, attributes)
  }
  try {
    const result = await tracedCall('redis', REDIS, call)
    record(REDIS)
    return result
  } catch (err) {
    const { code } = Object(err) as { code?: unknown }
    record({ ...REDIS, 'error.type': code === 'TIMEOUT' ? 'timeout' : 'error' })
    throw err
  }
}

function once<Value>(make: () => Value): () => Value {
  let made: Value | undefined
  return () => (made ??= make())
}
