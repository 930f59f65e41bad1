/** Whether the secrets that sign alerts are there: a name misspelled is told when it is applied, not when the first alert is due. */

import type { SecretSource } from "../sources/secrets.ts";
import type { Complaint } from "../status/conditions.ts";
import type { StoredResource } from "../store/store.ts";
import { alertPolicies } from "./alert-policy.ts";

/** By `Budget namespace/name`. */
export async function alertSecretProblems(
  resources: readonly StoredResource[],
  secrets: SecretSource,
): Promise<Map<string, Complaint[]>> {
  const problems = new Map<string, Complaint[]>();
  for (const [id, { thresholds }] of alertPolicies(resources)) {
    const wanted = new Set(thresholds.flatMap(({ webhook }) => (webhook === undefined ? [] : [webhook.secret])));
    const complaints: Complaint[] = [];
    for (const secret of wanted) {
      const found = await secrets(secret);
      if (found.kind === "found") continue;
      const reason = found.kind === "missing" ? "SecretNotFound" : "SecretNotUsable";
      complaints.push({ condition: "ResolvedRefs", reason, message: found.message });
    }
    if (complaints.length > 0) problems.set(`Budget ${id}`, complaints);
  }
  return problems;
}
