export type { StorePorts } from "./store/postgres.ts";
export { openPgliteStore, openPostgresStore } from "./store/postgres.ts";
export { prepareDataFolder } from "./store/prepared-folder.ts";
export type {
  ChangeKind,
  Condition,
  Origin,
  ResourceChange,
  ResourceRef,
  ResourceStatus,
  ResourceWrite,
  Revision,
  Revocation,
  Store,
  StoredResource,
  UsageBatch,
  UsageQuery,
  WriteRefusal,
  Written,
} from "./store/store.ts";
