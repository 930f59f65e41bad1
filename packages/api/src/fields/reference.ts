/** References to other objects, and who may refer to an object from outside its namespace. */

import { z } from "zod";
import { labelName, objectName, secretKeyName } from "./name.ts";

/** Another Sluice object. */
export const objectReference = z.strictObject({
  name: objectName.describe("Name of the object."),
  namespace: labelName.optional().describe("Namespace of the object. Default: the namespace of this one."),
});
export type ObjectReference = z.output<typeof objectReference>;

/** A Gateway. Those live in the system namespace, so that is where a reference without namespace points. */
export const gatewayReference = z.strictObject({
  name: objectName.describe("Name of the Gateway."),
  namespace: labelName.optional().describe("Namespace of the Gateway. Default: the system namespace."),
});

/** One value of a Secret; always of the object's own namespace. */
export const secretReference = z.strictObject({
  name: objectName.describe("Name of the Secret, in this object's namespace."),
  key: secretKeyName.describe("Key inside the Secret."),
});

export const allowedNamespaces = z.strictObject({
  from: z
    .enum(["Same", "All"])
    .describe("`Same`: only objects of this object's own namespace. `All`: objects of every namespace."),
});
