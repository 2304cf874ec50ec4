/** A second factor of an emulated user. */
export interface EmulatorFactor {
  type: 'otp' | 'sms' | 'voice' | 'email' | 'push' | 'recovery-code'
  /** As `GET /mfa/authenticators` shows it. Default: a masked number or address for SMS, voice and email, else none. */
  name?: string
  /** False: an enrollment that was never confirmed. Default true. */
  active?: boolean
}

/** How a user logs in with a second factor. */
export interface EmulatorMfa {
  /** None: the user has to enroll one. Default: an OTP factor and a recovery code. */
  factors?: EmulatorFactor[]
  /** `mfa_requirements` of the 403, word for word; null leaves it out. Default: what the factors say. */
  requirements?: unknown
}

/** A code on its way to a user. */
export interface EmulatorMessage {
  /** Of the user. */
  email: string
  channel: 'sms' | 'voice' | 'email'
  /** Address or phone number; absent for a phone factor that the test set up without one. */
  to?: string
  code: string
  /** Epoch milliseconds of the emulator's clock. */
  at: number
}

/** What users of the emulated tenant do with their second factors. */
export interface EmulatorMfaControls {
  /** The user's current one-time password. Each counts once: for another one advance the clock by 30 seconds. */
  code(email: string): string
  /** The one-time password of a secret that `POST /mfa/associate` gave out. */
  enrollCode(secret: string): string
  /** Codes sent so far, oldest first. */
  readonly sent: readonly EmulatorMessage[]
  /** The user's current recovery code. Used once, it is replaced by a new one. */
  recoveryCode(email: string): string
  /** Says yes to the user's newest push notification, or confirms the enrollment of the device. */
  approvePush(email: string): void
  /** Says no to it. */
  denyPush(email: string): void
}
