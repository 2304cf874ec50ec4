import type { RopgAuth } from 'express-auth0-ropg'

/** Never run: the programs in this folder are only compiled. */
export declare const auth: RopgAuth

/** Each accepts only its type, so that a possibly undefined value does not compile. */
export const takes = {
  text: (_value: string) => undefined,
  number: (_value: number) => undefined,
  date: (_value: Date) => undefined,
}
