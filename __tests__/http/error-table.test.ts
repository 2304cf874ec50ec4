import { describe, expect, it } from '@jest/globals'
import express from 'express'
import request from 'supertest'
import { AuthError, ERRORS, type AuthErrorCode } from '../../lib/errors.ts'
import { createCompleteError } from '../../lib/http/complete-error.ts'
import { createLoginUrl } from '../../lib/http/login-url.ts'
import { createSendError } from '../../lib/http/send-error.ts'

const login = { login_url: '/continue' }
const recovery = { recovery_url: '/recover' }

/** Every row of the contract: code, status, and the link in the response. */
const TABLE: [code: AuthErrorCode, status: number, link?: object][] = [
  ['invalid_request', 400],
  ['https_required', 400],
  ['payload_too_large', 413],
  ['unsupported_media_type', 415],
  ['method_not_allowed', 405],
  ['cross_site_request', 403],
  ['unauthenticated', 401],
  ['session_expired', 401],
  ['reauthentication_required', 401],
  ['insufficient_scope', 403],
  ['forbidden', 403],
  ['invalid_credentials', 401],
  ['mfa_required', 403, login],
  ['mfa_pending', 202],
  ['invalid_mfa_code', 401],
  ['mfa_expired', 401],
  ['mfa_denied', 403],
  ['interaction_required', 403, login],
  ['account_blocked', 403, recovery],
  ['too_many_attempts', 429, recovery],
  ['rate_limited', 429],
  ['password_leaked', 403, recovery],
  ['password_change_required', 403, recovery],
  ['access_denied', 403],
  ['signup_rejected', 400],
  ['weak_password', 400],
  ['login_transaction_missing', 400, login],
  ['configuration_error', 500],
  ['auth_unavailable', 503],
  ['session_unavailable', 503],
  ['internal_error', 500],
]

describe('the table of errors', () => {
  it('is closed', () => {
    expect(TABLE.map(([code]) => code).sort()).toEqual(Object.keys(ERRORS).sort())
  })

  it.each(TABLE)('%s is answered with %i and nothing for operators', async (code, status, link = {}) => {
    const loginUrl = createLoginUrl({ loginUrl: '/continue', interactive: undefined, mfa: 'interactive' })
    const options = { recoveryUrl: '/recover', exposeDeniedReason: false, logger: undefined, onError: undefined }
    const completeError = createCompleteError({ ...options, loginUrl })
    const sendError = createSendError({ ...options, completeError, errorPage: () => undefined })
    const auth0 = { status: 403, error: 'for operators', description: 'for operators' }
    const error = new AuthError(code, { detail: 'for operators', headers: { 'Retry-After': '7' }, auth0 })
    const app = express().use((req, res, next) => {
      sendError(error, { req, res, next })
    })

    const answer = await request(app).get('/')

    expect(answer.status).toBe(status)
    expect(answer.body).toEqual({ success: false, error: code, message: expect.any(String), ...link })
    expect(answer.text).not.toContain('for operators')
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'retry-after': '7' })
  })
})
