/**
 * What a watch tells and when: what is there, then each change in order, with bookmarks between. With a selector on labels an
 * object may enter and leave what is watched without being made or deleted; to the caller it is added and deleted all the same.
 */

import type { ResourceFilter } from "../store/resources.ts";
import type { ResourceChange, Store, StoredResource } from "../store/store.ts";
import type { Selects } from "./selectors.ts";

export type WatchEvent =
  | { readonly kind: "change"; readonly type: ResourceChange["type"]; readonly resource: StoredResource }
  | { readonly kind: "bookmark"; readonly version: bigint; readonly initialEnd: boolean }
  /** The history no longer reaches back to where the caller is. Always the last. */
  | { readonly kind: "gone" };

export type Watched = {
  readonly filter: ResourceFilter;
  readonly selects: Selects;
  /** Whether a change can move a resource into or out of what is selected. */
  readonly selectionMoves: boolean;
  /** Undefined begins with what is there now. */
  readonly since: bigint | undefined;
  readonly marksInitialEnd: boolean;
  readonly bookmarks: boolean;
  readonly stop: AbortSignal;
  readonly bookmarkEveryMs: number;
};

export async function* followChanges(store: Store, watched: Watched): AsyncGenerator<WatchEvent, void> {
  const { filter, since, marksInitialEnd, bookmarks, bookmarkEveryMs, stop } = watched;
  let wake = () => {};
  const end = store.onChange(() => wake());
  stop.addEventListener("abort", () => wake(), { once: true });
  const selection = new Selection(watched);
  try {
    const { resources, resourceVersion } =
      since === undefined || watched.selectionMoves
        ? await store.listResources(filter)
        : { resources: [], resourceVersion: since };
    let version = since ?? resourceVersion;
    for (const resource of resources) {
      if (since !== undefined) selection.remember(resource, since);
      else yield* selection.told({ type: "ADDED", resource });
    }
    if (marksInitialEnd) yield { kind: "bookmark", version, initialEnd: true };

    let isDue = false;
    while (!stop.aborted) {
      const { promise: woken, resolve } = Promise.withResolvers<boolean>();
      wake = () => resolve(false);
      // Now and then all kinds are read: the version moves on though nothing watched has changed, and stays in the history.
      const changes = await store.changesSince(version, isDue ? {} : filter);
      if (changes === "gone") return yield { kind: "gone" };
      for (const change of changes) {
        version = change.resource.resourceVersion;
        if (isWithin(change.resource, filter)) yield* selection.told(change);
      }
      if (isDue && bookmarks) yield { kind: "bookmark", version, initialEnd: false };
      isDue = false;
      if (changes.length > 0 || stop.aborted) continue;
      const timer = setTimeout(() => resolve(true), bookmarkEveryMs);
      isDue = await woken;
      clearTimeout(timer);
    }
  } finally {
    end();
  }
}

/** Which resources the caller has, as far as that is not the same as which there are. */
class Selection {
  readonly #watched: Watched;
  readonly #selected = new Map<string, boolean>();

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** What the caller knows from its list at `version`; of what has changed since, the changes will tell. */
  remember(resource: StoredResource, version: bigint): void {
    if (resource.resourceVersion <= version) this.#selected.set(resource.uid, this.#watched.selects(resource));
  }

  *told({ type, resource }: ResourceChange): Generator<WatchEvent> {
    const now = this.#watched.selects(resource);
    if (!this.#watched.selectionMoves) {
      if (now) yield { kind: "change", type, resource };
      return;
    }
    const before = this.#selected.get(resource.uid);
    if (type === "DELETED") {
      this.#selected.delete(resource.uid);
      if (before ?? now) yield { kind: "change", type, resource };
      return;
    }
    this.#selected.set(resource.uid, now);
    if (now) yield { kind: "change", type: before === undefined ? type : before ? "MODIFIED" : "ADDED", resource };
    // What it was before this watch began may be unknown: a caller that did not have it passes over its end.
    else if (before ?? type === "MODIFIED") yield { kind: "change", type: "DELETED", resource };
  }
}

function isWithin({ kind, namespace }: StoredResource, filter: ResourceFilter): boolean {
  return (
    (filter.kind === undefined || filter.kind === kind) &&
    (filter.namespace === undefined || filter.namespace === namespace)
  );
}
