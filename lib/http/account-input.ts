import { z } from 'zod'
import { name, password, readFields } from './fields.js'

const email = name.refine((value) => /^[^\s@]+@[^\s@]+$/.test(value), 'must be an email address')

export const account = z.object({
  ...{ email, password, username: name.optional(), name: name.optional(), nickname: name.optional() },
  ...{ given_name: name.optional(), family_name: name.optional(), picture: name.optional() },
  user_metadata: z
    .record(z.string(), z.string({ error: 'must be an object of strings' }), 'must be an object of strings')
    .optional(),
})

/** Body of `POST /signup`. Fields that Auth0 does not support are dropped. */
export const readAccount = (body: unknown) => readFields(account, body)

export const reset = z.object({ email })

/** Body of `POST /password-reset`. */
export const readReset = (body: unknown) => readFields(reset, body)
