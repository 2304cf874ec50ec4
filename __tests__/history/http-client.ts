import { Agent, request } from 'node:http'

export interface Answer {
  status: number
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into untyped answers
  body: any
  /** Name and value of the response's cookie. */
  cookie: string | undefined
}

export interface Asked {
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  cookie?: string | undefined
  body?: object
}

/** Keep-alive requests, which make thousands of them cheap. */
export interface HttpClient {
  send(port: number, asked: Asked): Promise<Answer>
  close(): void
}

export function createHttpClient(): HttpClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  return {
    close: () => agent.destroy(),
    send: (port, { method, path, cookie, body }) =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : JSON.stringify(body)
        const headers = {
          ...(cookie !== undefined && { cookie }),
          ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        }
        const req = request({ host: '127.0.0.1', port, method, path, headers, agent }, (res) => {
          const chunks: Buffer[] = []
          res.on('data', (chunk: Buffer) => chunks.push(chunk))
          res.on('error', reject)
          res.on('end', () => {
            const answer = Buffer.concat(chunks).toString()
            const [given] = res.headers['set-cookie'] ?? []
            resolve({
              status: res.statusCode ?? 0,
              body: answer === '' ? undefined : JSON.parse(answer),
              cookie: given?.split(';')[0],
            })
          })
        })
        req.on('error', reject)
        req.end(text)
      }),
  }
}
