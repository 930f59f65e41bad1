export type { DataPlane, DataPlanePorts } from "./create.ts";
export { createDataPlane } from "./create.ts";
export type { Log } from "./log.ts";
export type { Refusal, RefusalCode } from "./refusal.ts";
export { loadError } from "./runtime/runtime.ts";
