import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Middleware } from './middleware.js'
import { matches } from './request-match.js'
import type { Fault, RecordedRequest } from './types.js'

/** Pending faults, oldest first. */
export class Faults {
  readonly #waiting: { fault: Fault; left: number }[] = []

  add(fault: Fault): void {
    this.#waiting.push({ fault, left: fault.times ?? 1 })
  }

  take(record: RecordedRequest): Fault | undefined {
    const found = this.#waiting.find(({ fault, left }) => left > 0 && matches(fault, record))
    if (found) found.left -= 1
    return found?.fault
  }
}

type Context = Parameters<Middleware>[0]

export async function processUnder(fault: Fault, process: () => Promise<unknown>): Promise<void> {
  if (!fault.afterProcessing) await pause(fault)
  if (fault.afterProcessing || needsRealAnswer(fault)) await process()
  if (fault.afterProcessing) await pause(fault)
}

/** Damages the response that is ready in `ctx`. */
export function spoil(fault: Fault, ctx: Context): void {
  if (fault.hang) ctx.respond = false
  else if (fault.reset) destroy(ctx)
  else spoilAnswer(fault, ctx)
}

function spoilAnswer(fault: Fault, ctx: Context): void {
  if (replacesAnswer(fault)) {
    ctx.status = fault.status ?? 500
    // Removes the content type of the discarded response.
    ctx.remove('content-type')
    ctx.body = fault.body ?? ''
  }
  ctx.set(fault.headers ?? {})
  if (fault.truncate) sendHalf(ctx)
}

function needsRealAnswer(fault: Fault): boolean {
  return !fault.hang && !fault.reset && !replacesAnswer(fault)
}

function replacesAnswer({ status, body, delay, headers, truncate }: Fault): boolean {
  const saysNothing = delay === undefined && headers === undefined && !truncate
  return status !== undefined || body !== undefined || saysNothing
}

async function pause({ delay }: Fault): Promise<void> {
  if (delay !== undefined) await sleep(delay, undefined, { ref: false })
}

function destroy(ctx: Context): void {
  ctx.respond = false
  ctx.req.socket.destroy()
}

function sendHalf(ctx: Context): void {
  const res: ServerResponse = ctx.res
  const body: unknown = ctx.body
  const whole = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  ctx.respond = false
  ctx.remove('content-length')
  res.writeHead(ctx.status, { 'content-length': whole.length })
  res.write(whole.subarray(0, Math.ceil(whole.length / 2)), () => ctx.req.socket.destroy())
}
