import { readFileSync } from 'node:fs'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'

interface Response {
  headers: Record<string, { schema: object; required?: boolean }>
  content?: { 'application/json': { schema: object } }
}

type Path = Record<string, { responses: Record<string, Response> }>

export const openapi = JSON.parse(readFileSync(join(__dirname, '..', '..', 'openapi.json'), 'utf8')) as {
  info: { version: string }
  paths: Record<string, Path>
  components: { schemas: Record<string, object>; responses: Record<string, Response> }
}

export interface Answer {
  method: string
  /** Relative to the mount path. */
  path: string
  status: number
  headers: OutgoingHttpHeaders
  body: string
}

const ajv = new Ajv2020({ strict: false, logger: false })
ajv.addFormat('date-time', (text: string) => new Date(text).toISOString() === text)
ajv.addSchema(openapi, 'openapi')

const templates = Object.keys(openapi.paths).map((path) => ({
  path,
  pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}/?$`, 'i'),
}))

/** Matches an unsupported method or a malformed URL. */
const WITHOUT_OPERATION: Partial<Record<number, string>> = {
  ...{ 400: 'BadRequest', 403: 'CrossSiteRequest', 405: 'MethodNotAllowed' },
}

/** Responses that openapi.json does not describe. */
export function contradictions(answer: Answer): string[] {
  const { status } = answer
  const path = templates.find(({ pattern }) => pattern.test(answer.path))?.path
  const method = answer.method === 'HEAD' ? 'get' : answer.method.toLowerCase()
  // A disabled route, the app's own login page, or CORS middleware.
  if (status === 404 || answer.method === 'OPTIONS') return []
  if (path === '/login' && method === 'get' && status === 200) return []
  const operation = path && openapi.paths[path]?.[method]
  if (!operation || status === 405) {
    const name = WITHOUT_OPERATION[status]
    return name === undefined ? ['no such operation'] : compare(answer, ['components', 'responses', name])
  }
  if (!Object.hasOwn(operation.responses, status)) return ['unknown status']
  return compare(answer, ['paths', path, method, 'responses', String(status)])
}

function compare({ method, headers, body }: Answer, place: string[]): string[] {
  const response = place.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], openapi) as Response
  const pointer = `openapi#/${place.map(escaped).join('/')}`
  const wrong = Object.entries(response.headers).filter(
    ([name, { required, schema }]) =>
      (required === true && headers[name.toLowerCase()] === undefined) ||
      (headers[name.toLowerCase()] !== undefined && !isRight(name, { schema, value: headers[name.toLowerCase()] })),
  )
  const unknown = ['retry-after', 'location', 'ratelimit', 'ratelimit-policy', 'allow', 'set-cookie'].filter(
    (name) => headers[name] !== undefined && !Object.keys(response.headers).some((one) => one.toLowerCase() === name),
  )
  return [
    ...wrong.map(([name]) => `header ${name}: ${String(headers[name.toLowerCase()])}`),
    ...unknown.map((name) => `unknown header ${name}`),
    ...(method === 'HEAD' ? [] : bodyProblems(response, { pointer, headers, body })),
  ]
}

function isRight(name: string, { schema, value }: { schema: object; value: unknown }): boolean {
  if (name === 'Set-Cookie') return true
  return ajv.validate(schema, 'type' in schema && schema.type === 'integer' ? Number(value) : String(value))
}

interface Body {
  pointer: string
  headers: OutgoingHttpHeaders
  body: string
}

function bodyProblems({ content }: Response, { pointer, headers, body }: Body): string[] {
  // Express adds a text body to redirects.
  if (!content) return body === '' || headers.location !== undefined ? [] : ['a body']
  if (!String(headers['content-type']).startsWith('application/json'))
    return [`type ${String(headers['content-type'])}`]
  const validate = ajv.getSchema(`${pointer}/content/application~1json/schema`)
  if (!validate) return [`no schema at ${pointer}`]
  return validate(JSON.parse(body)) ? [] : [`body ${body}: ${ajv.errorsText(validate.errors)}`]
}

const escaped = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')

const seen = new Set<string>()

/** Responses seen so far in this file: `post /login 401 invalid_credentials`, `post /login 200`. */
export const answered = (): ReadonlySet<string> => seen

function nameOf({ method, path, status, body }: Answer): string {
  const template = templates.find(({ pattern }) => pattern.test(path))?.path
  const code = /"error":"(\w+)"/.exec(body)?.[1]
  return [method.toLowerCase(), template, status, code].filter(Boolean).join(' ')
}

/** Fails if openapi.json does not describe one of the responses. */
export function expectDescribed(answers: readonly Answer[]): void {
  const found = answers.flatMap(problemsOf)
  if (found.length > 0) throw new Error(`openapi.json does not describe:\n${found.join('\n')}`)
}

function problemsOf(answer: Answer): string[] {
  const { method, path, status } = answer
  seen.add(nameOf(answer))
  return contradictions(answer).map((problem) => `${method} ${path} ${status}: ${problem}`)
}

interface Exchange {
  req: IncomingMessage
  res: ServerResponse
  /** Relative to the mount path. */
  path: string
}

/** Checks responses on the server side, for clients other than Node's. */
export function compareSent({ req, res, path }: Exchange, onProblem: (problem: string) => void): void {
  const { method = '' } = req
  const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse
  let body = ''
  res.end = (...args: unknown[]) => {
    if (typeof args[0] === 'string' || Buffer.isBuffer(args[0])) body = args[0].toString()
    return end(...args)
  }
  res.once('finish', () => {
    const found = problemsOf({ method, path, status: res.statusCode, headers: res.getHeaders(), body })
    for (const problem of found) onProblem(problem)
  })
}
