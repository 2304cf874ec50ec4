import type { RopgAuth } from 'express-auth0-ropg'

/** Never run: the programs beside this file are only compiled. */
export declare const auth: RopgAuth

/** Each takes a value of its type only, so that a value that may be undefined does not compile. */
export const takes = {
  text: (_value: string) => undefined,
  number: (_value: number) => undefined,
  date: (_value: Date) => undefined,
}
