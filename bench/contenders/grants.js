import { Agent, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { AuthClient } from '@auth0/auth0-auth-js'
import * as oidc from 'openid-client'
import { fetchFromStub, settings } from './settings.js'

const { issuer, clientId, clientSecret, scope } = settings

/** Implementations of the password grant: (email, password, ip) -> token response, or undefined if refused. */
const GRANTS = {
  fetch: () => grantByFetch,
  agent: grantByAgent,
  'openid-client': grantByOpenidClient,
  'auth0-auth-js': grantByAuthClient,
}

export function openGrant(variant) {
  const name = variant.find((word) => Object.hasOwn(GRANTS, word)) ?? 'fetch'
  return GRANTS[name]()
}

export function claimsOf(idToken) {
  return JSON.parse(Buffer.from(idToken.split('.')[1], 'base64url').toString())
}

function formOf(username, password) {
  return new URLSearchParams({
    grant_type: 'password',
    client_id: clientId,
    client_secret: clientSecret,
    username,
    password,
    scope,
  })
}

async function grantByFetch(email, password, ip) {
  const response = await fetch(`${issuer}oauth/token`, {
    method: 'POST',
    headers: { 'auth0-forwarded-for': ip },
    body: formOf(email, password),
    signal: AbortSignal.timeout(5000),
  })
  return response.ok ? response.json() : undefined
}

function grantByAgent() {
  const agent = new Agent({ keepAlive: true })
  return async (email, password, ip) => {
    const body = formOf(email, password).toString()
    const response = await new Promise((resolve, reject) => {
      request(`${issuer}oauth/token`, {
        agent,
        method: 'POST',
        timeout: 5000,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': Buffer.byteLength(body),
          'auth0-forwarded-for': ip,
        },
      })
        .on('response', resolve)
        .on('error', reject)
        .end(body)
    })
    const answer = await json(response)
    return response.statusCode === 200 ? answer : undefined
  }
}

async function grantByOpenidClient() {
  const configuration = await oidc.discovery(
    new URL(issuer),
    clientId,
    undefined,
    oidc.ClientSecretPost(clientSecret),
    { execute: [oidc.allowInsecureRequests] },
  )
  return (email, password) =>
    oidc.genericGrantRequest(configuration, 'password', { username: email, password, scope }).catch(refusedElseThrow)
}

function grantByAuthClient() {
  const client = new AuthClient({ domain: settings.httpsDomain, clientId, clientSecret, customFetch: fetchFromStub })
  return async (email, password, ip) => {
    const tokens = await client
      .getTokenByPassword({ username: email, password, scope, auth0ForwardedFor: ip })
      .catch(refusedElseThrow)
    return (
      tokens && {
        access_token: tokens.accessToken,
        id_token: tokens.idToken,
        refresh_token: tokens.refreshToken,
        expires_in: tokens.expiresAt - Math.floor(Date.now() / 1000),
      }
    )
  }
}

function refusedElseThrow(err) {
  if (err.error === 'invalid_grant' || err.cause?.error === 'invalid_grant') return undefined
  throw err
}
