/**
 * Money, prices and amounts, as people write them. Decimal text and never a float: what is written is what is reckoned with,
 * to the nano-dollar. The forms are patterns alone, so that the API server refuses the same as our own reader.
 */

import { z } from "zod";

const decimal = (wholeDigits: number, fractionDigits: number, words: string) =>
  z
    .string()
    .min(1)
    .max(wholeDigits + fractionDigits + 1)
    .regex(
      new RegExp(`^(0|[1-9][0-9]{0,${wholeDigits - 1}})(\\.[0-9]{1,${fractionDigits}})?$`),
      `must be ${words}, in quotes, 0 or more, with at most ${fractionDigits} digits after the point and ${wholeDigits} before it`,
    );

/** US dollars, as nano-dollars in 64 bits. `"0"` is an amount: nothing may be spent. */
export const decimalUsd = decimal(9, 9, 'US dollars such as "500.00"');

/** US dollars for a million tokens, exact as pico-dollars a token. At most a dollar a token. */
export const decimalPrice = decimal(6, 6, 'US dollars per million tokens such as "2.50"');

export const decimalPercent = z
  .string()
  .min(1)
  .max(6)
  .regex(
    /^(100(\.0{1,2})?|(0|[1-9][0-9]?)(\.[0-9]{1,2})?)$/,
    'must be a percentage such as "12.5", in quotes, 0 to 100, with at most 2 digits after the point',
  );

/** Below 2^53: the books' integers stay exact. */
const countMax = 9_000_000_000_000_000;

/** Tokens; 0: none may be used. */
export const tokenAmount = z.int().min(0).max(countMax);
