export type { Acknowledgement } from "./acknowledgement.ts";
export { acknowledgement } from "./acknowledgement.ts";
export type {
  Bucket,
  BucketEntry,
  BucketEvent,
  BucketName,
  Bus,
  EventStream,
  StreamMessage,
  StreamName,
} from "./bus.ts";
export { BucketConflict, bucketNames, streamNames } from "./bus.ts";
export { canonicalJson } from "./canonical-json.ts";
export type { CredentialEntry } from "./credential-entry.ts";
export { credentialEntry } from "./credential-entry.ts";
export { digestOf } from "./digest.ts";
export type { KeyEntry } from "./key-entry.ts";
export { keyEntry } from "./key-entry.ts";
export type { LedgerWatermark } from "./ledger-watermark.ts";
export { ledgerWatermark } from "./ledger-watermark.ts";
export { isMetadataHost } from "./metadata-host.ts";
export type { SealingKey } from "./sealing.ts";
export { seal, sealingKey, unseal } from "./sealing.ts";
export type {
  AuthPlan,
  GatewayPlan,
  ProviderPlan,
  RetryReason,
  RoutePlan,
  Snapshot,
  SnapshotPointer,
  TargetPlan,
} from "./snapshot.ts";
export { retryReasons, snapshot, snapshotFormat, snapshotPointer } from "./snapshot.ts";
export type { Outcome, TokenCounts, UsageEvent } from "./usage-event.ts";
export { outcomes, tokenCounts, usageEvent } from "./usage-event.ts";
export { isVirtualKey, virtualKeyDisplay, virtualKeyFrom, virtualKeyHash, virtualKeyPrefix } from "./virtual-key.ts";
