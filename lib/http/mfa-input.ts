import { z } from 'zod'
import type { Proof } from '../flows/mfa.js'
import { invalidFields, readFields } from './fields.js'

export const FACTORS = ['otp', 'sms', 'voice', 'email', 'push'] as const
/** Auth0's own names in `mfa_requirements`. */
export const AUTH0_NAMES: Record<string, string> = { phone: 'sms', 'push-notification': 'push' }

const factor = z.preprocess(
  (value) => (typeof value === 'string' ? (AUTH0_NAMES[value] ?? value) : value),
  z.enum(FACTORS, { error: `must be one of ${FACTORS.join(', ')}` }),
)

/** Accepts spaces and hyphens, because codes are displayed with them. */
function code(pattern: RegExp, reason: string) {
  const text = z.string({ error: 'must be a string' }).transform((value) => value.replace(/[\s-]/g, ''))
  return text.refine((value) => pattern.test(value), reason)
}

export const proofs = z.object({
  otp: code(/^\d{6}$/, 'must be 6 digits').optional(),
  binding_code: code(/^\d{4,10}$/, 'must be 4 to 10 digits').optional(),
  recovery_code: code(/^[A-Za-z0-9]{24}$/, 'must be 24 letters and digits')
    .transform((value) => value.toUpperCase())
    .optional(),
})

/** Body of `POST /mfa/verify`: at most one proof. Without one, it asks for the answer to a push notification. */
export function readProof(body: unknown): Proof {
  const { otp, binding_code: bindingCode, recovery_code: recoveryCode } = readFields(proofs, body)
  const given = [
    ...(otp === undefined ? [] : [{ otp }]),
    ...(bindingCode === undefined ? [] : [{ bindingCode }]),
    ...(recoveryCode === undefined ? [] : [{ recoveryCode }]),
  ]
  if (given.length > 1) throw invalidFields({ body: 'must contain only one of otp, binding_code and recovery_code' })
  return given[0] ?? {}
}

export const challenges = z.object({
  authenticator_id: z
    .string({ error: 'must be a string' })
    .min(1, 'must not be empty')
    .max(256, 'is too long')
    .optional(),
  type: factor.optional(),
})

/** Body of `POST /mfa/challenge`. */
export function readChallenge(body: unknown) {
  const { authenticator_id: authenticatorId, type } = readFields(challenges, body)
  return { authenticatorId, type }
}

export const enrollments = z
  .object({
    type: factor,
    phone_number: z
      .string({ error: 'must be a string' })
      .transform((value) => value.replace(/[\s().-]/g, ''))
      .refine(
        (value) => /^\+[1-9]\d{6,14}$/.test(value),
        'must be a phone number with its country code, such as +15550100123',
      )
      .optional(),
    email: z.email({ error: 'must be an email address' }).max(320, 'is too long').optional(),
  })
  .superRefine(({ type, phone_number }, context) => {
    if (phone_number !== undefined || (type !== 'sms' && type !== 'voice')) return
    context.addIssue({ code: 'custom', path: ['phone_number'], message: 'is required' })
  })

/** Body of `POST /mfa/enroll`. */
export function readEnrollment(body: unknown) {
  const { type, phone_number: phoneNumber, email } = readFields(enrollments, body)
  return { type, phoneNumber, email }
}
