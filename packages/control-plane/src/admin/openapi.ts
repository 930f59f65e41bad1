/** OpenAPI 3 as kubectl reads it: the schemas for `explain`, and the parameters by which it knows that fields are checked here. */

import { apiGroup, apiVersion, apiVersionName, kinds, objectSchema } from "@sluice/api";

/** `GET /openapi/v3`. */
export const openapiIndex = {
  paths: { [`apis/${apiVersion}`]: { serverRelativeURL: `/openapi/v3/apis/${apiVersion}` } },
};

/** `GET /openapi/v3/apis/sluice.dev/v1alpha1`. */
export function openapiDocument() {
  const paths: Record<string, unknown> = {};
  const schemas: Record<string, unknown> = {};
  for (const { kind, plural } of kinds) {
    const schema = `dev.sluice.${apiVersionName}.${kind}`;
    const gvk = { group: apiGroup, version: apiVersionName, kind };
    schemas[schema] = { ...objectSchema(kind), "x-kubernetes-group-version-kind": [gvk] };
    const place = `/apis/${apiVersion}/namespaces/{namespace}/${plural}`;
    const operation = (action: string) => ({
      "x-kubernetes-action": action,
      "x-kubernetes-group-version-kind": gvk,
      parameters: [query("dryRun"), query("fieldManager"), query("fieldValidation")],
      responses: {
        200: {
          description: "OK",
          content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } },
        },
      },
    });
    paths[place] = { parameters: [path("namespace")], get: operation("list"), post: operation("post") };
    paths[`${place}/{name}`] = {
      parameters: [path("namespace"), path("name")],
      get: operation("get"),
      put: operation("put"),
      patch: operation("patch"),
      delete: operation("delete"),
    };
  }
  return { openapi: "3.0.0", info: { title: "Sluice", version: apiVersionName }, paths, components: { schemas } };
}

function query(name: string) {
  return { name, in: "query", schema: { type: "string", uniqueItems: true } };
}

function path(name: string) {
  return { name, in: "path", required: true, schema: { type: "string", uniqueItems: true } };
}
