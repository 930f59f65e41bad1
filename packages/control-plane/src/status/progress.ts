/**
 * Remembers with which revision each resource went out, so that a later revision, which changed something else, does not
 * make it look unfinished again. After a restart everything counts as gone out with what is published then.
 */

import type { Acknowledgement } from "@sluice/contract";
import type { StoredResource } from "../store/store.ts";
import type { Progress } from "./conditions.ts";

export type Sent = { readonly revision: number; readonly keysRevision: number };

export class SentResources {
  readonly #sent = new Map<string, Sent & { readonly generation: number }>();

  /** After a publish: what had not gone out yet in this form has now. */
  note(resources: readonly StoredResource[], published: Sent): void {
    const present = new Set(resources.map(({ uid }) => uid));
    for (const uid of this.#sent.keys()) if (!present.has(uid)) this.#sent.delete(uid);
    for (const { uid, generation } of resources)
      if (this.#sent.get(uid)?.generation !== generation) this.#sent.set(uid, { ...published, generation });
  }

  progressOf(resource: StoredResource, instances: readonly Acknowledgement[]): Progress {
    const sent = this.#sent.get(resource.uid);
    if (sent?.generation !== resource.generation) return { kind: "under-way", reached: 0, of: instances.length };
    const hasIt = (instance: Acknowledgement) =>
      resource.kind === "VirtualKey" ? instance.keysRevision >= sent.keysRevision : instance.revision >= sent.revision;
    const reached = instances.filter(hasIt).length;
    const isRejected = ({ rejected }: Acknowledgement) => rejected !== undefined && rejected.revision >= sent.revision;
    const rejecting = instances.find((instance) => !hasIt(instance) && isRejected(instance));
    if (resource.kind !== "VirtualKey" && rejecting?.rejected !== undefined)
      return { kind: "refused", reason: `Refused by the data plane ${rejecting.name}: ${rejecting.rejected.reason}` };
    if (instances.length === 0 || reached < instances.length)
      return { kind: "under-way", reached, of: instances.length };
    return { kind: "reached", of: reached };
  }
}
