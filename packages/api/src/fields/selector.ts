/** Which calls a Budget or RateLimit charges (`selector`), and what splits it into accounts (`per`). */

import { z } from "zod";
import { metadataMap } from "../metadata.ts";
import { distinctList } from "./list.ts";
import { modelPattern } from "./model.ts";
import { objectReference } from "./reference.ts";
import { subjectName } from "./subject.ts";

const subjects = distinctList(subjectName, { min: 1, max: 64 }).optional();
const references = z.array(objectReference).min(1).max(64).optional();

export const callSelector = z.strictObject({
  teams: subjects.describe("Teams of the calling keys."),
  services: subjects.describe("Services of the calling keys."),
  users: subjects.describe("Users: of the key, else what the call claims."),
  keys: references.describe("VirtualKeys."),
  models: distinctList(modelPattern, { min: 1, max: 64 })
    .optional()
    .describe("Names that callers ask for: a name, a prefix such as `gpt-*`, or `*`."),
  providers: references.describe("Providers that answer."),
  routes: references.describe("Routes that are taken."),
  metadata: metadataMap.optional().describe("Metadata: of the key, else what the call claims. All entries must match."),
});
export type CallSelector = z.output<typeof callSelector>;

const perDimensions = ["Team", "Service", "User", "Key", "Model", "Provider", "Route"] as const;

export const per = distinctList(
  z
    .string()
    .min(1)
    .max(72)
    .regex(
      new RegExp(`^(${perDimensions.join("|")}|Metadata/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)$`),
      `must be one of ${perDimensions.join(", ")}, or Metadata/<name>`,
    ),
  { max: 4 },
);
