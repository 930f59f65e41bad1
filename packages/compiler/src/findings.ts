/**
 * Findings: what a compile has to say against a resource, and the conditions that they become. A resource without a finding
 * is accepted and resolved. `Programmed` and `Ready` are the control plane's: they need the data planes' acknowledgements.
 */

import type { Kind } from "@sluice/api";

/** Gateway API's words where it has one. */
export type FindingReason =
  | "BackendNotFound"
  | "BackendNotUsable"
  | "Conflicted"
  | "KeyNotFound"
  | "NoMatchingParent"
  | "NoUsableTarget"
  | "NotAllowedByListeners"
  | "NotPermitted"
  | "PriceUnknown"
  | "RefNotPermitted"
  | "Revoked"
  | "RouteNotFound"
  | "SecretNotFound"
  | "Unbudgeted"
  | "UnboundedAccounts"
  | "UnsupportedValue";

/** `Priced` and `Budgeted` are told only where they are False; they never make a resource unready. */
export type FindingCondition = "Accepted" | "ResolvedRefs" | "Priced" | "Budgeted";

export type Finding = {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  /** The condition that is False because of it. */
  readonly condition: FindingCondition;
  readonly reason: FindingReason;
  /** For people: what is wrong and what to do; begins with the field's path where it is about one. */
  readonly message: string;
  /** `spec.targets[1].providerRef`. */
  readonly path?: string;
};

export type FoundCondition = {
  readonly type: FindingCondition;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
};

/** The findings about one resource. */
export function findingsOf(
  findings: readonly Finding[],
  { kind, namespace, name }: { kind: string; namespace: string; name: string },
): Finding[] {
  return findings.filter(
    (finding) => finding.kind === kind && finding.namespace === namespace && finding.name === name,
  );
}

/** Conditions of one resource, from the findings about it: several of one condition are told in one message. */
export function conditionsFor(findings: readonly Finding[], generation: number): FoundCondition[] {
  return (["Accepted", "ResolvedRefs", "Priced", "Budgeted"] as const).flatMap((type): FoundCondition[] => {
    const own = findings.filter((finding) => finding.condition === type);
    const [first] = own;
    if (first !== undefined) {
      const message = own.map((finding) => finding.message).join("; ");
      return [{ type, status: "False", reason: first.reason, message, observedGeneration: generation }];
    }
    if (type === "Priced" || type === "Budgeted") return [];
    const message = fineMessages[type];
    return [{ type, status: "True", reason: type, message, observedGeneration: generation }];
  });
}

const fineMessages = { Accepted: "Valid", ResolvedRefs: "All references are resolved" } as const;
