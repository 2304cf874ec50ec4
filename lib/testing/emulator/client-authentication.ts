import { createLocalJWKSet, jwtVerify } from 'jose'
import type { JWK } from 'jose'
import { textParam } from './body.js'
import type { Call } from './endpoints.js'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const MAX_JTI = 64

interface ClientParts {
  issuer: string
  clientId: string
  clientSecret: string
  jwks: { keys: JWK[] } | undefined
}

/** Authenticates the one client: secret in the body, Basic, or a signed assertion. */
export class ClientAuthentication {
  readonly #client: ClientParts
  readonly #spentAssertions = new Set<string>()

  constructor(client: ClientParts) {
    this.#client = client
  }

  async isAuthentic(call: Call): Promise<boolean> {
    if (textParam(call.params, 'client_assertion_type') === ASSERTION_TYPE) return this.#provesByAssertion(call)
    const { clientId, clientSecret } = this.#client
    const { id, secret } = basicCredentials(call.headers.authorization) ?? bodyCredentials(call)
    return id === clientId && secret === clientSecret
  }

  /** Uses real time, because the signer does not know the emulator's clock. */
  async #provesByAssertion({ params }: Call): Promise<boolean> {
    const { issuer, clientId, jwks } = this.#client
    if (!jwks) return false
    const assertion = textParam(params, 'client_assertion') ?? ''
    const expected = { issuer: clientId, subject: clientId, audience: issuer }
    try {
      const { payload } = await jwtVerify(assertion, createLocalJWKSet(jwks), expected)
      return this.#spend(payload.jti)
    } catch {
      return false
    }
  }

  /** Assertions are single-use. */
  #spend(jti: string | undefined): boolean {
    if (jti === undefined || jti.length > MAX_JTI || this.#spentAssertions.has(jti)) return false
    this.#spentAssertions.add(jti)
    return true
  }
}

interface Credentials {
  id: string | undefined
  secret: string | undefined
}

function bodyCredentials({ params }: Call): Credentials {
  return { id: textParam(params, 'client_id'), secret: textParam(params, 'client_secret') }
}

function basicCredentials(header: string | undefined): Credentials | undefined {
  const encoded = /^basic +(?<value>\S+)$/i.exec(header ?? '')?.groups?.value
  if (encoded === undefined) return undefined
  const [id, ...secret] = Buffer.from(encoded, 'base64').toString('utf8').split(':')
  return { id: formDecoded(id ?? ''), secret: formDecoded(secret.join(':')) }
}

/** RFC 6749 2.3.1: both parts are form-encoded first. */
function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
