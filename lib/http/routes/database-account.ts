import type { RequestHandler } from 'express'
import type { DatabaseAccounts } from '../../flows/database-accounts.js'
import { readAccount, readReset } from '../account-input.js'
import type { Answer } from '../pages.js'
import type { SendError } from '../send-error.js'
import { answering } from './answering.js'

export interface DatabaseRoutesParts {
  accounts: DatabaseAccounts
  answer: Answer
  sendError: SendError
}

/** `POST /signup`: 201. It logs nobody in. */
export function signUp({ accounts, answer, sendError }: DatabaseRoutesParts): RequestHandler {
  return answering(sendError, async (req, res) => {
    const user = await accounts.signUp(readAccount(req.body))
    res.status(201)
    answer(req, res, { json: { success: true, user }, page: ({ login }) => login })
  })
}

/** `POST /password-reset`: 202, the same for addresses that nobody has. */
export function resetPassword({ accounts, answer, sendError }: DatabaseRoutesParts): RequestHandler {
  return answering(sendError, async (req, res) => {
    await accounts.requestPasswordReset(readReset(req.body).email)
    res.status(202)
    answer(req, res, { json: { success: true }, page: ({ login }) => login })
  })
}
