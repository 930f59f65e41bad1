export type { MemoryHub } from "./memory/memory-bus.ts";
export { createMemoryBus } from "./memory/memory-bus.ts";
export type { MemoryBusOptions } from "./memory/memory-limits.ts";
