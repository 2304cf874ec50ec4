import type { RequestHandler } from 'express'
import type { DatabaseAccounts } from '../../flows/database-accounts.js'
import { readAccount, readReset } from '../account-input.js'
import type { Limits } from '../guards/limits.js'
import { backToLogin, type Answer } from '../pages.js'
import type { SendError } from '../send-error.js'
import { answering } from './answering.js'

export interface DatabaseRoutesParts {
  accounts: DatabaseAccounts
  limits: Limits
  answer: Answer
  sendError: SendError
}

/** `POST /signup`: 201. It does not log the user in. */
export function signUp({ accounts, limits, answer, sendError }: DatabaseRoutesParts): RequestHandler {
  return answering(sendError, async (req, res) => {
    const account = readAccount(req.body)
    await limits.signup({ req, res })
    const user = await accounts.signUp(account)
    res.status(201)
    answer(req, res, { json: { success: true, user }, page: backToLogin(req) })
  })
}

/** `POST /password-reset`: 202, also for unknown addresses. */
export function resetPassword({ accounts, limits, answer, sendError }: DatabaseRoutesParts): RequestHandler {
  return answering(sendError, async (req, res) => {
    const { email } = readReset(req.body)
    await limits.reset({ req, res })
    await accounts.requestPasswordReset(email)
    res.status(202)
    answer(req, res, { json: { success: true }, page: backToLogin(req) })
  })
}
