import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'

/** A raw response, or `undefined` if the server closed the connection without one. */
export interface RawResponse {
  status: number
  /** Lowercase names. A repeated header has several entries. */
  headers: [name: string, value: string][]
  body: string
  /** All received bytes as text. */
  text: string
  elapsed: number
}

export interface RawRequest {
  method: string
  bytes: Buffer
  /** The body may differ from the announced length, so the connection is not reused. */
  isBroken: boolean
}

/** Maximum duration of a request in milliseconds. */
export const PATIENCE = 2_000

/** Sends bytes that HTTP clients refuse to send, over one keep-alive connection. */
export class RawClient {
  readonly #port: number
  #kept: Socket | undefined

  constructor(port: number) {
    this.#port = port
  }

  async send({ method, bytes, isBroken }: RawRequest): Promise<RawResponse | undefined> {
    const socket = isBroken ? await this.#connect() : (this.#kept ??= await this.#connect())
    const started = performance.now()
    const answer = read(socket, method)
    socket.write(bytes)
    // If the body is shorter than announced, the server must see that no more data follows.
    if (isBroken) socket.end()
    const { text, response } = await answer
    if (isBroken || isOver(socket, response)) this.#drop(socket)
    return response && { ...response, text, elapsed: performance.now() - started }
  }

  close(): void {
    if (this.#kept) this.#drop(this.#kept)
  }

  async #connect(): Promise<Socket> {
    const socket = createConnection(this.#port, '127.0.0.1').setNoDelay().setEncoding('latin1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return socket
  }

  #drop(socket: Socket): void {
    socket.destroy()
    if (this.#kept === socket) this.#kept = undefined
  }
}

type Parsed = Omit<RawResponse, 'text' | 'elapsed'>

const isOver = (socket: Socket, response: Parsed | undefined) =>
  !response || socket.destroyed || socket.readableEnded || headerOf(response, 'connection') === 'close'

function read(socket: Socket, method: string): Promise<{ text: string; response: Parsed | undefined }> {
  return new Promise((resolve, reject) => {
    let text = ''
    const timer = setTimeout(() => {
      finish(() => reject(new Error(`no answer within ${PATIENCE} ms, only: ${text}`)))
    }, PATIENCE)
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      socket.off('data', onData).off('close', onEnd).off('end', onEnd)
      settle()
    }
    const onData = (chunk: string) => {
      text += chunk
      const response = parse(text, { method, isOver: false })
      if (response) finish(() => resolve({ text, response }))
    }
    const onEnd = () => finish(() => resolve({ text, response: parse(text, { method, isOver: true }) }))
    socket.on('data', onData).on('close', onEnd).on('end', onEnd)
  })
}

/** A complete response, or `undefined`. */
function parse(text: string, how: { method: string; isOver: boolean }): Parsed | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const status = Number(first.split(' ')[1])
  const rest = text.slice(end + 4)
  if (status < 200) return parse(rest, how)
  const headers = lines.map(headerIn)
  const body = bodyIn(rest, { status, headers, ...how })
  return body === undefined ? undefined : { status, headers, body }
}

function headerIn(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

interface Head extends Pick<Parsed, 'status' | 'headers'> {
  method: string
  isOver: boolean
}

function bodyIn(rest: string, head: Head): string | undefined {
  if (head.method === 'HEAD' || head.status === 204 || head.status === 304) return ''
  // Only Node.js's own responses are chunked, and they are empty.
  if (headerOf(head, 'transfer-encoding') === 'chunked')
    return rest.endsWith(LAST_CHUNK) ? rest.slice(0, -5) : undefined
  const length = headerOf(head, 'content-length')
  if (length === undefined) return head.isOver ? rest : undefined
  return rest.length >= Number(length) ? rest.slice(0, Number(length)) : undefined
}

const LAST_CHUNK = '0\r\n\r\n'

export function headerOf({ headers }: Pick<Parsed, 'headers'>, name: string): string | undefined {
  return headers.find(([other]) => other === name)?.[1]
}
