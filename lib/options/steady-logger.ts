import type { Logger } from '../events.js'

type Write = Logger['info']

/** The caller's logger with its failures ignored, because logging a login must not break it. */
export function steady(logger: Logger): Logger {
  const guarded =
    (level: keyof Logger): Write =>
    (fields, message) => {
      void attempt(() => logger[level](fields, message))
    }
  return { info: guarded('info'), warn: guarded('warn'), error: guarded('error') }
}

/** Some loggers return a promise. Its rejection would otherwise be unhandled. */
async function attempt(write: () => unknown): Promise<void> {
  try {
    await write()
  } catch {
    // There is nowhere left to report it.
  }
}
