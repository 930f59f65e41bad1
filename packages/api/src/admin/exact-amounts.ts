/** Amounts of the admin API: text where a number of JSON would lose a digit. */

import { z } from "zod";

/** Dollars, exact to the nano-dollar: `"340.00"`, `"0.000021"`. Negative in differences and corrections. */
export const usdText = z.string().regex(/^-?[0-9]+\.[0-9]{2,9}$/);

/** A count that may pass 2^53: tokens of a year. */
export const countText = z.string().regex(/^-?(0|[1-9][0-9]*)$/);

/** RFC 3339. */
export const timeText = z.iso.datetime({ offset: true });
