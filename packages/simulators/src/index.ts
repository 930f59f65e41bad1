export type { BillEntry, BilledTokens } from "./bill.ts";
export type { Simulator, SimulatorAddress, SimulatorOptions } from "./create.ts";
export { createSimulator } from "./create.ts";
export { chatStreamGrammar, type Grammar } from "./grammar/chat-stream.ts";
export { messagesStreamGrammar } from "./grammar/messages-stream.ts";
export type { Knobs } from "./knobs/knobs.ts";
export * from "./raw/raw-upstream.ts";
export type { RecordedRequest } from "./recorded-requests.ts";
