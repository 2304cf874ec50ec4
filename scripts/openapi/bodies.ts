import { z } from 'zod'
import { account, reset } from '../../lib/http/account-input.ts'
import { credentials } from '../../lib/http/credentials.ts'
import { AUTH0_NAMES, challenges, enrollments, FACTORS, proofs } from '../../lib/http/mfa-input.ts'
import type { Schema } from './types.ts'

/** Zod cannot describe an input type before a transform. */
const FACTOR = { type: 'string', enum: [...FACTORS, ...Object.keys(AUTH0_NAMES)] }
const RETURN_TO = {
  type: 'string',
  description: 'Path of your app to go to after a form post. Only with the option `pages`.',
}

const withFields = (schema: Schema, fields: Record<string, unknown>): Schema => ({
  ...schema,
  properties: { ...(schema.properties as Schema), ...fields, return_to: RETURN_TO },
})

/** Repeats the whole schema for each name, because type generators ignore alternatives that contain only `required`. */
const withOneOf = (schema: Schema, names: string[]): Schema => ({
  anyOf: names.map((name) => ({ ...schema, required: [...(schema.required as string[]), name] })),
})

export const bodies = {
  Login: withOneOf(
    withFields(inputOf(credentials), {
      username: named('Email address, username, or phone number'),
      email: named('The same'),
    }),
    ['email', 'username'],
  ),
  Signup: withFields(inputOf(account), { email: { type: 'string', maxLength: 320 } }),
  PasswordReset: withFields(inputOf(reset), { email: { type: 'string', maxLength: 320 } }),
  MfaChallenge: withFields(inputOf(challenges), { type: FACTOR }),
  MfaVerify: withFields(inputOf(proofs), {
    otp: { type: 'string', description: '6 digits' },
    binding_code: { type: 'string', description: 'The code that was sent: 4 to 10 digits' },
    recovery_code: { type: 'string', description: '24 letters and digits' },
  }),
  MfaEnroll: withFields(inputOf(enrollments), {
    type: FACTOR,
    phone_number: { type: 'string', description: 'With country code; required for sms and voice' },
  }),
  BackchannelLogout: {
    type: 'object',
    properties: { logout_token: { type: 'string', description: 'OpenID Connect Back-Channel Logout 1.0, 2.4' } },
    required: ['logout_token'],
  },
} satisfies Record<string, Schema>

function named(description: string): Schema {
  return { type: 'string', minLength: 1, maxLength: 320, description }
}

function inputOf(schema: z.ZodType): Schema {
  const {
    $schema: _,
    additionalProperties: __,
    ...json
  } = z.toJSONSchema(schema, {
    ...{ io: 'input', unrepresentable: 'any', target: 'draft-2020-12' },
  })
  return json
}
