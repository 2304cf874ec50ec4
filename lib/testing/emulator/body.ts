import type { IncomingMessage } from 'node:http'
import { missingParameter, refusal, type Refusal } from './refusal.js'

const LIMIT = 100 * 1024

export type Params = Readonly<Record<string, unknown>>

/** Parameters of a JSON or form body, or the refusal if it is neither. */
export async function readBody(req: IncomingMessage): Promise<Params | Refusal> {
  const text = await readText(req)
  if (text === undefined) return refusal('bodyTooLarge')
  return /^application\/(?:[^;]+\+)?json\b/i.test(req.headers['content-type'] ?? '') ? parseJson(text) : parseForm(text)
}

/** A string parameter. An empty one counts as absent. */
export function textParam(params: Params, name: string): string | undefined {
  const value = params[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export function requiredParam(params: Params, name: string): string {
  const value = textParam(params, name)
  if (value === undefined) throw missingParameter(name)
  return value
}

/** Reads the whole body even past the limit, because a client that is cut off while sending never sees the response. */
async function readText(req: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= LIMIT) chunks.push(chunk)
  }
  return size <= LIMIT ? Buffer.concat(chunks).toString('utf8') : undefined
}

function parseJson(text: string): Params | Refusal {
  if (text === '') return {}
  try {
    const parsed: unknown = JSON.parse(text)
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    return isObject ? Object.fromEntries(Object.entries(parsed)) : {}
  } catch {
    return refusal('badJson')
  }
}

function parseForm(text: string): Params {
  const form = new URLSearchParams(text)
  const valueOf = (name: string) => {
    const values = form.getAll(name)
    return values.length > 1 ? values : values[0]
  }
  return Object.fromEntries([...new Set(form.keys())].map((name) => [name, valueOf(name)]))
}
