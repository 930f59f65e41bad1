export type { AccountState, EpochState, LeaseState, SessionState, WindowState } from "./record/record-state.ts";
