import type { Logger } from '../events.js'

type Write = Logger['info']

/** The caller's logger, none of whose failures reaches us: to tell of a login must not be what breaks it. */
export function steady(logger: Logger): Logger {
  const guarded =
    (level: keyof Logger): Write =>
    (fields, message) => {
      void attempt(() => logger[level](fields, message))
    }
  return { info: guarded('info'), warn: guarded('warn'), error: guarded('error') }
}

/** Some loggers return a promise, and nobody else would hear of its rejection. */
async function attempt(write: () => unknown): Promise<void> {
  try {
    await write()
  } catch {
    // There is nowhere left to tell of it.
  }
}
