/**
 * Acts beside the resources: `/admin/v1/stops`, `/overrides`, `/overrides/budgets`, `/acts/ID`, `/usage/reprice` and
 * `/usage/settle`. Each needs a reason, which is kept with who did it.
 */

import {
  type ActAnswer,
  budgetOverrideAct,
  type CorrectionAnswer,
  type OverrideView,
  repriceRequest,
  settleRequest,
  stopAct,
  undoRequest,
} from "@sluice/api";
import { actView } from "../acts/act-view.ts";
import type { Acted, Acts } from "../acts/acts.ts";
import { CorrectionRefused, repriceUsage, settleUsage } from "../reports/corrections.ts";
import type { ReportStore } from "../store/report-store.ts";
import type { Store } from "../store/store.ts";
import { mediaType, parseJson, readText } from "./request-body.ts";
import { StatusError } from "./status-error.ts";

/** Who acts: until there are users, whoever holds the token. */
export const actor = "admin token";

export async function stop(acts: Acts, request: Request): Promise<ActAnswer> {
  return done(await acts.stop(await read(stopAct, request), actor));
}

export async function overrideBudget(acts: Acts, request: Request): Promise<ActAnswer> {
  return done(await acts.override(await read(budgetOverrideAct, request), actor));
}

export async function undo(acts: Acts, id: string, request: Request): Promise<ActAnswer> {
  const { reason } = await read(undoRequest, request);
  return done(await acts.undo(id, actor, reason));
}

export async function overrides(acts: Acts): Promise<OverrideView> {
  return { items: (await acts.active()).map(actView) };
}

export async function correct(
  ports: { store: Store & ReportStore; nowMs: () => number },
  act: "reprice" | "settle",
  request: Request,
): Promise<CorrectionAnswer> {
  try {
    if (act === "reprice") return await repriceUsage(ports, await read(repriceRequest, request), actor);
    return await settleUsage(ports, await read(settleRequest, request), actor);
  } catch (error) {
    if (error instanceof CorrectionRefused) throw new StatusError("BadRequest", error.message);
    throw error;
  }
}

function done(acted: Acted): ActAnswer {
  if (!("kind" in acted)) return acted;
  throw new StatusError(acted.kind === "missing" ? "NotFound" : "Invalid", acted.message);
}

/** What is used of zod's schemas. */
type Schema<Value> = {
  safeParse(
    value: unknown,
  ):
    | { success: true; data: Value }
    | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } };
};

/** Every field that is wrong is named; no value is quoted. */
async function read<Value>(schema: Schema<Value>, request: Request): Promise<Value> {
  const text = await readText(request);
  if (text !== "" && mediaType(request) !== "application/json")
    throw new StatusError("UnsupportedMediaType", "Send application/json");
  const parsed = schema.safeParse(text === "" ? {} : parseJson(text));
  if (parsed.success) return parsed.data;
  const causes = parsed.error.issues.map(({ path, message }) => ({
    reason: "FieldValueInvalid",
    message,
    field: path.map(String).join("."),
  }));
  const lines = causes.map(({ field, message }) => (field === "" ? message : `${field}: ${message}`));
  throw new StatusError("Invalid", lines.join("; "), { causes });
}
