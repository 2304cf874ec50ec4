/** A second factor of an emulated user. */
export interface EmulatorFactor {
  type: 'otp' | 'sms' | 'voice' | 'email' | 'push' | 'recovery-code'
  /** As `GET /mfa/authenticators` shows it. Default: a masked number or address for SMS, voice and email, else none. */
  name?: string
  /** False for an unconfirmed enrollment. Default true. */
  active?: boolean
}

/** The second factors of a user. */
export interface EmulatorMfa {
  /** With an empty list, the user has to enroll a factor. Default: an OTP factor and a recovery code. */
  factors?: EmulatorFactor[]
  /** `mfa_requirements` of the 403 response, sent unchanged; null omits it. Default: derived from the factors. */
  requirements?: unknown
}

/** A code that was sent to a user. */
export interface EmulatorMessage {
  /** `sub` of the user. */
  email: string
  channel: 'sms' | 'voice' | 'email'
  /** Email address or phone number. Absent for phone factors that were not enrolled through the MFA API. */
  to?: string
  code: string
  /** Epoch milliseconds of the emulator's clock. */
  at: number
}

/** What users of the emulated tenant do with their second factors. */
export interface EmulatorMfaControls {
  /** The user's current one-time password. Each is accepted once; advance the clock by 30 seconds for the next. */
  code(email: string): string
  /** The current one-time password for a secret from `POST /mfa/associate`. */
  enrollCode(secret: string): string
  /** Codes sent so far, oldest first. */
  readonly sent: readonly EmulatorMessage[]
  /** The user's current recovery code. Using it replaces it. */
  recoveryCode(email: string): string
  /** Approves the user's latest push notification, or confirms the enrollment of the device. */
  approvePush(email: string): void
  /** Denies it. */
  denyPush(email: string): void
}
