/** The status of a kind in its CRD: what all kinds have, and the kind's own fields. */

import type { z } from "zod";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";

const conditionTypes = ["Accepted", "ResolvedRefs", "Programmed", "Ready"] as const;
const epoch = "1970-01-01T00:00:00Z";

export function statusSchema(own: z.ZodObject): StructuralSchema {
  const { properties } = structuralSchema(own);
  return {
    description: "Written by the control plane.",
    type: "object",
    // From the first moment: tools that wait for Ready don't take silence for success.
    default: { conditions: conditionTypes.map(pending) },
    properties: {
      observedGeneration: {
        description: "Generation of the spec that this status speaks of.",
        type: "integer",
        format: "int64",
        minimum: 0,
      },
      conditions,
      ...properties,
    },
  };
}

function pending(type: string) {
  const message = "Waiting for the control plane";
  return { type, status: "Unknown", reason: "Pending", message, lastTransitionTime: epoch };
}

const conditions: StructuralSchema = {
  description:
    "Accepted: valid enough to be used. ResolvedRefs: all it refers to is there. Programmed: sent to the data planes. Ready: in force.",
  type: "array",
  maxItems: 8,
  items: {
    type: "object",
    required: ["type", "status", "reason", "message", "lastTransitionTime"],
    properties: {
      type: { description: "Which condition.", type: "string", minLength: 1, maxLength: 316 },
      status: { description: "Whether it holds.", type: "string", enum: ["True", "False", "Unknown"] },
      reason: {
        description: "One word for why.",
        type: "string",
        pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
        minLength: 1,
        maxLength: 1024,
      },
      message: { description: "What a person should know.", type: "string", maxLength: 32768 },
      observedGeneration: {
        description: "Generation that the condition speaks of.",
        type: "integer",
        format: "int64",
        minimum: 0,
      },
      lastTransitionTime: { description: "When its status last changed.", type: "string", format: "date-time" },
    },
  },
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["type"],
};
