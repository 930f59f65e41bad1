export type { ControlPlane, ControlPlanePorts } from "./create.ts";
export { createControlPlane } from "./create.ts";
export type { Log } from "./log.ts";
export type { Revoke } from "./revoke.ts";
export type { BuiltInResource } from "./sources/folder.ts";
export type { SourceProblem } from "./sources/resource-files.ts";
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
