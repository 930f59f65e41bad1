export type { Compilation, CompileInput } from "./compile.ts";
export { compile } from "./compile.ts";
export type { Finding, FindingCondition, FindingReason, FoundCondition } from "./findings.ts";
export { conditionsFor, findingsOf } from "./findings.ts";
export type { CompilableResource } from "./inventory.ts";
