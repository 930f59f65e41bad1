/** VirtualKey: who calls, and what they may use. Holds the key's hash only. */

import { z } from "zod";
import { distinctList } from "../fields/list.ts";
import { modelPattern } from "../fields/model.ts";
import { objectReference } from "../fields/reference.ts";
import { subjectName } from "../fields/subject.ts";
import { metadataMap } from "../metadata.ts";
import { type ResourceOf, resource } from "../resource.ts";

/** Annotation with the part of a key that may be shown: `sk-sluice-ab12cd…`; a hash does not tell it. */
export const keyPrefixAnnotation = "sluice.dev/key-prefix";

const spec = z.strictObject({
  subject: z
    .strictObject({
      team: subjectName.optional().describe("Team that the calls are counted for."),
      service: subjectName.optional().describe("Service that calls."),
      user: subjectName.optional().describe("Person that calls."),
    })
    .optional()
    .describe("Who the key's calls are counted for."),
  hash: z
    .string()
    .max(64)
    .regex(
      /^[0-9a-f]{64}$/,
      "must be the SHA-256 of the key, 64 hexadecimal digits in lower case; `sluice keys create` makes both",
    )
    .describe("SHA-256 of the key's text, in lower-case hexadecimal. The key itself is kept nowhere."),
  allow: z
    .strictObject({
      models: distinctList(modelPattern, { min: 1, max: 64 })
        .optional()
        .describe("Model names the key may ask for. Left out: all."),
      routes: z
        .array(objectReference)
        .min(1)
        .max(64)
        .optional()
        .describe("Routes the key may use. Left out: all that its Gateways admit."),
    })
    .optional()
    .describe("What the key may use. Left out: all that its Gateways admit."),
  metadata: metadataMap.optional().describe("Written into the usage record of every call."),
  expiresAt: z.iso
    .datetime({ offset: true, error: 'must be a time such as "2027-01-31T00:00:00Z"' })
    .max(40)
    .optional()
    .describe("From this moment on the key is refused. RFC 3339."),
  suspended: z.boolean().optional().describe("`true`: the key is refused until this is taken back."),
});

const status = z.strictObject({
  prefix: z.string().max(32).optional().describe("The part of the key that may be shown."),
});

export const virtualKey = resource({
  kind: "VirtualKey",
  shortName: "svk",
  description:
    "A VirtualKey lets an application call: who it is, what it may use, until when. It holds the hash of the key, never the key.",
  spec,
  status,
  columns: [
    {
      name: "Prefix",
      type: "string",
      jsonPath: ".status.prefix",
      description: "The part of the key that may be shown.",
    },
    {
      name: "Team",
      type: "string",
      jsonPath: ".spec.subject.team",
      description: "Team that the calls are counted for.",
    },
    { name: "Service", type: "string", jsonPath: ".spec.subject.service", description: "Service that calls." },
    { name: "Expires", type: "string", jsonPath: ".spec.expiresAt", description: "When the key ends." },
  ],
  example: `apiVersion: sluice.dev/v1alpha1
kind: VirtualKey
metadata: { name: search, namespace: default }
spec:
  subject: { team: discovery, service: search }
  hash: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  allow: { models: [chat, "gpt-*"] }
  expiresAt: "2027-01-31T00:00:00Z"
`,
});
export type VirtualKeySpec = z.output<typeof spec>;
export type VirtualKey = ResourceOf<"VirtualKey", VirtualKeySpec>;
