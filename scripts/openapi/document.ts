import type { AuthErrorCode } from '../../lib/errors.ts'
import { errorHeaders, errorSchemas, LIMIT_HEADERS, statusOf } from './errors.ts'
import { operations } from './operations.ts'
import { schemas } from './successes.ts'
import type { Header, Operation, Schema, Success } from './types.ts'

/** The package's routes as OpenAPI 3.1, relative to the router's mount path. */
export function createDocument(version: string) {
  return {
    openapi: '3.1.1',
    info: {
      title: 'express-auth0-ropg',
      version,
      description:
        'Routes of `auth.router`. Every response has `Cache-Control: no-store`. Other methods of a route are ' +
        '405 `method_not_allowed` with `Allow`, unless the request is refused before as in `components.responses`. ' +
        '`null` counts as a field that was left out.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/api/auth', description: 'Where your app mounts the router.' }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths: paths(),
    components: {
      schemas: { ...schemas, ...errorSchemas() },
      // For requests that match no operation.
      responses: {
        BadRequest: errorResponse(['https_required', 'invalid_request']),
        CrossSiteRequest: errorResponse(['cross_site_request']),
        MethodNotAllowed: errorResponse(['method_not_allowed']),
      },
      securitySchemes: {
        session: cookie('session', 'The session cookie. Its name depends on the option `session.cookie.name`.'),
        mfa: cookie('session.mfa', 'Set by 403 `mfa_required`, for 5 minutes.'),
        browser: cookie('session.interactive', 'Set by `GET /login`, for 10 minutes.'),
      },
    },
  }
}

function cookie(name: string, description: string): Schema {
  return { type: 'apiKey', in: 'cookie', name, description }
}

function paths(): Record<string, Schema> {
  const all: Record<string, Schema> = {}
  for (const operation of operations) (all[operation.path] ??= {})[operation.method] = operationObject(operation)
  return all
}

function operationObject({ id, tag, summary, description, parameters, ...operation }: Operation): Schema {
  const { body, isForm, security } = operation
  return {
    ...{ operationId: id, tags: [tag], summary },
    ...(description !== undefined && { description }),
    ...(parameters && { parameters }),
    ...(body && { requestBody: requestBody(body, isForm) }),
    responses: responses(operation),
    security: security ? [{ [security]: [] }] : [],
  }
}

function requestBody(schema: Schema, isForm = false): Schema {
  const form = { 'application/x-www-form-urlencoded': { schema } }
  return { required: true, content: isForm ? form : { 'application/json': { schema }, ...form } }
}

function responses({
  success,
  errors,
  isLimited,
  cookies = [],
}: Pick<Operation, 'success' | 'errors' | 'isLimited' | 'cookies'>): Record<string, Schema> {
  const more = (status: number) => ({
    ...(isLimited && LIMIT_HEADERS),
    ...(cookies.includes(status) && { 'Set-Cookie': SET_COOKIE }),
  })
  const statuses = [...new Set(errors.map(statusOf))].sort()
  return Object.fromEntries([
    ...success.map((one) => [one.status, successResponse(one, more(one.status))] as const),
    ...statuses.map((status) => {
      const codes = [...new Set(errors)].filter((code) => statusOf(code) === status)
      return [status, errorResponse(codes, more(status))] as const
    }),
  ])
}

const SET_COOKIE: Header = {
  schema: { type: 'string' },
  description: 'Sets or clears a cookie of the package. Opaque and HttpOnly.',
}
const NO_STORE: Header = { schema: { const: 'no-store' }, required: true }

function successResponse({ description, body, headers }: Success, more: Record<string, Header>): Schema {
  return {
    description,
    headers: { 'Cache-Control': NO_STORE, ...headers, ...more },
    ...(body && { content: { 'application/json': { schema: body } } }),
  }
}

function errorResponse(codes: readonly AuthErrorCode[], more: Record<string, Header> = {}): Schema {
  const refs = codes.map((code) => ({ $ref: `#/components/schemas/${code}` }))
  const schema = refs.length === 1 ? refs[0] : { oneOf: refs, discriminator: discriminator(codes) }
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    headers: { 'Cache-Control': NO_STORE, ...errorHeaders(codes), ...more },
    content: { 'application/json': { schema } },
  }
}

function discriminator(codes: readonly AuthErrorCode[]): Schema {
  const mapping = Object.fromEntries(codes.map((code) => [code, `#/components/schemas/${code}`]))
  return { propertyName: 'error', mapping }
}
