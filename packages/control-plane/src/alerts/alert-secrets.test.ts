import { expect, test } from "vitest";
import { Secret } from "../sources/secret.ts";
import type { SecretSource } from "../sources/secrets.ts";
import type { StoredResource } from "../store/store.ts";
import { alertSecretProblems } from "./alert-secrets.ts";

const secrets: SecretSource = async (id) =>
  id === "ai/hook/key"
    ? { kind: "found", value: new Secret("s") }
    : id === "ai/open/key"
      ? { kind: "refused", message: "others must not read it" }
      : { kind: "missing", message: "There is no file" };

function budget(name: string, secret: string | undefined): StoredResource {
  const webhook = secret && { url: "http://127.0.0.1/", secretRef: { name: secret, key: "key" } };
  const alerts = [50, 80].map((atPercent) => ({ atPercent, ...(webhook && { webhook }) }));
  return { kind: "Budget", namespace: "ai", name, uid: name, spec: { alerts } } as unknown as StoredResource;
}

test("a Budget is told once of a secret for its alerts that is missing or must not be used", async () => {
  const budgets = [budget("none", undefined), budget("good", "hook"), budget("typo", "hok"), budget("open", "open")];
  expect([...(await alertSecretProblems(budgets, secrets))]).toEqual([
    ["Budget ai/typo", [{ condition: "ResolvedRefs", reason: "SecretNotFound", message: "There is no file" }]],
    ["Budget ai/open", [{ condition: "ResolvedRefs", reason: "SecretNotUsable", message: "others must not read it" }]],
  ]);
});
