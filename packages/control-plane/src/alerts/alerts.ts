/**
 * Alerts: tells each threshold of each account once in its window, however many replicas look and however often: the record
 * keeps who was first. What is to be sent lies in the record too, so a restart loses no webhook; a receiver may have one twice
 * (it took it, and we never heard so), with the same id and the same body.
 */

import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { Loop } from "../reconcile/loop.ts";
import type { SecretSource } from "../sources/secrets.ts";
import type { AccountFigures } from "../status/account-figures.ts";
import type { Alert, AlertStore, ClaimedAlert } from "../store/alert-store.ts";
import type { AlertPolicy, Threshold } from "./alert-policy.ts";
import { signature } from "./signature.ts";
import { crossingKey, type ThresholdAlert, thresholdAlert } from "./threshold-alert.ts";
import { crossedPercents } from "./thresholds.ts";
import { type Posted, post } from "./webhook.ts";

export type AlertPorts = {
  readonly store: Pick<AlertStore, "fireAlerts" | "claimAlerts" | "settleAlert" | "nextAlertAtMs" | "forgetEvents">;
  readonly secrets: SecretSource;
  readonly clock: Clock;
  readonly log: Log;
};

/** A claim outlasts an attempt and its bookkeeping by far; when the replica dies, another goes on after it. */
const claimMs = 30_000;
const claimedAtOnceMax = 16;
const retryFirstMs = 1_000;
const retryMaxMs = 10 * 60_000;
/** With these waits more than two hours of a receiver's absence. */
const attemptsMax = 20;
const unknownAttemptsMax = 6;
/** Alerts of another replica are looked for this often. */
const lookEveryMs = 15_000;
/** What has been fired is remembered here only to spare the record the question. */
const rememberedMax = 50_000;
const eventsKeptMs = 30 * 86_400_000;
const eventsKeptMax = 100_000;
const forgetEveryMs = 3_600_000;

export class Alerts implements AsyncDisposable {
  readonly #ports: AlertPorts;
  readonly #sending: Loop;
  readonly #closing = new AbortController();
  readonly #known = new Set<string>();
  #policies: ReadonlyMap<string, AlertPolicy> = new Map();
  #cancelLook: (() => void) | undefined;
  #forgottenAtMs = 0;

  constructor(ports: AlertPorts) {
    this.#ports = ports;
    const { clock, log } = ports;
    this.#sending = new Loop({ name: "sending alerts", debounceMs: 20, clock, log, work: () => this.#send() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelLook?.();
    this.#closing.abort();
    await this.#sending[Symbol.asyncDispose]();
  }

  /** By `namespace/name` of their Budgets. Nothing is sent before they are known. */
  usePolicies(policies: ReadonlyMap<string, AlertPolicy>): void {
    this.#policies = policies;
    this.#sending.ask();
  }

  /** Looks whether thresholds were crossed, and tells those that nobody told before. */
  async look(accounts: Iterable<AccountFigures>): Promise<void> {
    const nowMs = this.#ports.clock.nowMs();
    const fired: ThresholdAlert[] = [];
    const keys: string[] = [];
    for (const account of accounts) {
      const policy = account.plan.kind === "Budget" ? this.#policies.get(account.plan.id) : undefined;
      if (policy === undefined || account.plan.mode === "Shadow") continue;
      for (const { atPercent, webhook } of crossed(account, policy.thresholds)) {
        const key = crossingKey(account, atPercent, nowMs);
        if (this.#known.has(key)) continue;
        keys.push(key);
        fired.push(thresholdAlert(account, { atPercent, url: webhook?.url, uid: policy.uid, nowMs }));
      }
    }
    if (fired.length === 0) return;
    const first = new Set(await this.#ports.store.fireAlerts(fired));
    if (this.#known.size + keys.length > rememberedMax) this.#known.clear();
    for (const key of keys) this.#known.add(key);
    for (const { alert, event } of fired) {
      if (!first.has(alert.id)) continue;
      this.#ports.log.warn("a threshold was crossed", {
        budget: `${event.namespace}/${event.name}`,
        told: event.message,
      });
    }
    if (first.size > 0) this.#sending.ask();
  }

  async #send(): Promise<void> {
    const { store, clock } = this.#ports;
    this.#cancelLook?.();
    for (;;) {
      const claimed = await store.claimAlerts({ nowMs: clock.nowMs(), leaseMs: claimMs, limit: claimedAtOnceMax });
      if (claimed.length === 0 || this.#closing.signal.aborted) break;
      await Promise.all(claimed.map((alert) => this.#deliver(alert)));
    }
    const nowMs = clock.nowMs();
    if (nowMs - this.#forgottenAtMs > forgetEveryMs) {
      this.#forgottenAtMs = nowMs;
      await store.forgetEvents(nowMs - eventsKeptMs, eventsKeptMax);
    }
    const nextAtMs = await store.nextAlertAtMs();
    const waitMs = Math.min(Math.max((nextAtMs ?? Number.POSITIVE_INFINITY) - nowMs, 50), lookEveryMs);
    if (!this.#closing.signal.aborted) this.#cancelLook = clock.after(waitMs, () => this.#sending.ask());
  }

  async #deliver(alert: ClaimedAlert): Promise<void> {
    const { store, clock, log } = this.#ports;
    const posted = await this.#post(alert);
    if (posted.kind === "accepted") return store.settleAlert(alert.id, { deliveredAtMs: clock.nowMs() });
    // It was being sent when we close: the claim runs out, and the next start sends it.
    if (this.#closing.signal.aborted) return;
    const isLast = posted.lasting || alert.attempts >= attemptsMax;
    const waitMs = Math.min(retryFirstMs * 2 ** (alert.attempts - 1), retryMaxMs);
    log[isLast ? "error" : "warn"](
      isLast ? "an alert could not be delivered, it is given up" : "an alert could not be delivered, trying again",
      { id: alert.id, attempts: alert.attempts, reason: posted.reason, ...(isLast ? {} : { waitMs }) },
    );
    await store.settleAlert(alert.id, { failure: posted.reason, nextAtMs: isLast ? null : clock.nowMs() + waitMs });
  }

  /** To where the Budget says now, not then: an address that was put right is used. */
  async #post(alert: ClaimedAlert): Promise<Posted> {
    const webhook = this.#webhookOf(alert);
    if (webhook === undefined) {
      // Or this replica has not seen it yet.
      const lasting = alert.attempts >= unknownAttemptsMax;
      return { kind: "failed", reason: "its Budget has no webhook for it any more", lasting };
    }
    const secret = await this.#ports.secrets(webhook.secret);
    if (secret.kind !== "found") return { kind: "failed", reason: secret.message, lasting: false };
    const signed = signature({ body: alert.body, secret: secret.value, atMs: this.#ports.clock.nowMs() });
    const headers = { "x-sluice-signature": signed, "x-sluice-event-id": alert.id, "user-agent": "sluice" };
    return post({ url: webhook.url, headers, body: alert.body }, this.#closing.signal);
  }

  #webhookOf({ body, atPercent }: Alert) {
    const { budget } = JSON.parse(body) as { budget: { namespace: string; name: string } };
    const policy = this.#policies.get(`${budget.namespace}/${budget.name}`);
    return policy?.thresholds.find((threshold) => threshold.atPercent === atPercent)?.webhook;
  }
}

function crossed(account: AccountFigures, thresholds: readonly Threshold[]): Threshold[] {
  const percents = crossedPercents(
    account,
    thresholds.map(({ atPercent }) => atPercent),
  );
  return percents.flatMap((percent) => thresholds.find(({ atPercent }) => atPercent === percent) ?? []);
}
