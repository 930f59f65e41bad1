/** What the status of a Budget and of a RateLimit says of its accounts. Figures are text: exact decimals in the limit's unit. */

import { z } from "zod";

const figure = z.string().max(32);
const time = z.iso.datetime({ offset: true }).max(40);
const accountValues = z.record(z.string().max(72), z.string().max(256)).meta({ maxProperties: 4 });

const account = z.strictObject({
  values: accountValues.optional().describe("Its value of each member of `per`."),
  rule: z.string().max(64).optional().describe("Which of several amounts, where a RateLimit has more than one."),
  limit: figure.optional().describe("Its amount, overrides included."),
  spent: figure.optional().describe("Settled, or counted as spent until proven otherwise."),
  reserved: figure.optional().describe("Held for calls in flight."),
  remaining: figure.optional().describe("What a new call may still take."),
  percent: z.int().min(0).optional().describe("Spent of the limit, rounded down."),
  forecast: figure.optional().describe("Spent at the window's end, if it goes on like this."),
  exhaustedAt: time.optional().describe("When it was first full in this window."),
  serving: z
    .enum(["Leased", "OneShot"])
    .optional()
    .describe("`OneShot`: seldom used, so each call asks the record instead of holding a lease."),
  limitedBy: z
    .enum(["Spend", "Reservations"])
    .optional()
    .describe("`Reservations`: it would fit once calls in flight have ended; set maxOutputTokens to reserve less."),
});

export const accountsStatus = {
  window: z
    .strictObject({
      startsAt: time.optional().describe("When the window began."),
      endsAt: time.optional().describe("When it turns."),
    })
    .optional()
    .describe("The window that all accounts are in; absent where each has its own, or none."),
  accounts: z
    .strictObject({
      count: z.int().min(0).describe("Accounts that have been used in this window."),
      near: z.int().min(0).optional().describe("Of these, at 80 % and more."),
      exhausted: z.int().min(0).optional().describe("Of these, full."),
    })
    .optional()
    .describe("How many accounts there are."),
  fullest: z.string().max(300).optional().describe("The fullest account in short: `classify 97%`."),
  spent: z.string().max(64).optional().describe("Spent of all accounts in this window, with its unit."),
  top: z.array(account).max(10).optional().describe("The fullest accounts."),
};

export const actStatus = z.strictObject({
  id: z.string().max(64).describe("For `sluice override clear`."),
  values: accountValues.optional().describe("Which account; left out: all."),
  to: figure.describe("The amount that holds instead."),
  by: z.string().max(320).describe("Who set it."),
  until: time.optional().describe("When it ends."),
  reason: z.string().max(1024).optional().describe("Why."),
});
