export type { Acknowledgement } from "./acknowledgement.ts";
export { acknowledgement } from "./acknowledgement.ts";
export type {
  Bucket,
  BucketEntry,
  BucketEvent,
  BucketName,
  Bus,
  EventStream,
  RequestName,
  Requests,
  SignalName,
  Signals,
  StreamMessage,
  StreamName,
} from "./bus.ts";
export { BucketConflict, bucketNames, NoAnswer, requestNames, signalNames, streamNames } from "./bus.ts";
export { canonicalJson } from "./canonical-json.ts";
export type { CredentialEntry } from "./credential-entry.ts";
export { credentialEntry } from "./credential-entry.ts";
export { digestOf } from "./digest.ts";
export type { KeyEntry } from "./key-entry.ts";
export { keyEntry } from "./key-entry.ts";
export type { LeaseAsk, LeaseGrant, LeaseRecall, LeaseReply, LeaseRequest, LeaseTotals, Shortage } from "./lease.ts";
export { leaseAmountMax, leaseRecall, leaseReply, leaseRequest, shortages } from "./lease.ts";
export type { LedgerWatermark } from "./ledger-watermark.ts";
export { ledgerWatermark } from "./ledger-watermark.ts";
export type {
  CalendarUnit,
  Family,
  LimitPlan,
  LimitRule,
  LimitSelector,
  LimitUnit,
  LimitWindow,
} from "./limit-plan.ts";
export {
  accountId,
  calendarUnits,
  familyKey,
  limitPlan,
  limitUnits,
  noValue,
  otherValues,
  readAccountId,
} from "./limit-plan.ts";
export { isMetadataHost } from "./metadata-host.ts";
export type { ModelPlan, PricePlan, TokenRates } from "./price-plan.ts";
export { modelPlan, pricePlan, tokenRates } from "./price-plan.ts";
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
export type { StopPlan } from "./stop-plan.ts";
export { stopDimensions, stopPlan } from "./stop-plan.ts";
export type { BillingReason, Outcome, TokenCounts, UsageEvent } from "./usage-event.ts";
export { billingReasons, outcomes, tokenCounts, usageEvent } from "./usage-event.ts";
export { isVirtualKey, virtualKeyDisplay, virtualKeyFrom, virtualKeyHash, virtualKeyPrefix } from "./virtual-key.ts";
