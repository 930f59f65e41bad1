/** The tables of alerts and events, as `schema.ts` has the others. */

import { bigint, integer, pgTable, text } from "drizzle-orm/pg-core";

const timeMs = (name: string) => bigint(name, { mode: "number" });

export const alerts = pgTable("alerts", {
  id: text("id").primaryKey(),
  limitUid: text("limit_uid").notNull(),
  account: text("account").notNull(),
  atPercent: integer("at_percent").notNull(),
  body: text("body").notNull(),
  receiver: text("receiver"),
  firedAtMs: timeMs("fired_at_ms").notNull(),
  endsAtMs: timeMs("ends_at_ms"),
  attempts: integer("attempts").notNull(),
  nextAtMs: timeMs("next_at_ms"),
  deliveredAtMs: timeMs("delivered_at_ms"),
  failure: text("failure"),
});

export const events = pgTable("events", {
  id: text("id").primaryKey(),
  kind: text("kind").notNull(),
  namespace: text("namespace").notNull(),
  name: text("name").notNull(),
  uid: text("uid").notNull(),
  type: text("type").$type<"Normal" | "Warning">().notNull(),
  reason: text("reason").notNull(),
  message: text("message").notNull(),
  atMs: timeMs("at_ms").notNull(),
});
