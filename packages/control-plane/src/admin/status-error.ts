/** Errors as Kubernetes clients read them: `Status` objects, whose `reason` a program decides by and whose `message` a person reads. */

import type { Problem } from "@sluice/api";
import type { Origin } from "../store/store.ts";

export type StatusReason =
  | "BadRequest"
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "MethodNotAllowed"
  | "AlreadyExists"
  | "Conflict"
  | "Expired"
  | "RequestEntityTooLarge"
  | "UnsupportedMediaType"
  | "Invalid"
  | "InternalError";

const codes: Readonly<Record<StatusReason, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  InternalError: 500,
};

export type StatusDetails = {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly { readonly reason: string; readonly message: string; readonly field: string }[];
};

/** Thrown by handlers, answered once at the rim. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly reason: StatusReason;
  readonly details: StatusDetails | undefined;

  constructor(reason: StatusReason, message: string, details?: StatusDetails) {
    super(message);
    this.reason = reason;
    this.details = details;
  }

  get code(): number {
    return codes[this.reason];
  }

  get body() {
    const { reason, message, details, code } = this;
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      reason,
      ...(details && { details }),
      code,
    };
  }
}

export type Named = { readonly group: string; readonly plural: string; readonly name: string };

export function notFound({ group, plural, name }: Named): StatusError {
  return new StatusError("NotFound", `${plural}.${group} "${name}" not found`, { name, group, kind: plural });
}

export function alreadyExists({ group, plural, name }: Named): StatusError {
  return new StatusError("AlreadyExists", `${plural}.${group} "${name}" already exists`, { name, group, kind: plural });
}

export function conflict({ group, plural, name }: Named): StatusError {
  const message = `Operation cannot be fulfilled on ${plural}.${group} "${name}": the object has been modified; please apply your changes to the latest version and try again`;
  return new StatusError("Conflict", message, { name, group, kind: plural });
}

/** Somebody else made it, and so alone may change it. */
export function ownedElsewhere({ group, plural, name }: Named, owner: Origin): StatusError {
  const what = `${plural}.${group} "${name}"`;
  return new StatusError("Conflict", `${what} ${whereToChange(owner)}`, { name, group, kind: plural });
}

export function invalid({ group, plural, name }: Named, problems: readonly Problem[]): StatusError {
  const lines = problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  const causes = problems.map(({ path, message, reason }) => ({ reason, message, field: path }));
  return new StatusError("Invalid", `${plural}.${group} "${name}" is invalid: ${lines.join("; ")}`, {
    name,
    group,
    kind: plural,
    causes,
  });
}

function whereToChange(owner: Origin): string {
  switch (owner.kind) {
    case "Folder":
      return `is owned by the file ${owner.file} of the resources folder: change it there`;
    case "API":
      return "is owned by the admin API: change it with kubectl or sluice";
    case "BuiltIn":
      return "is built in: put one of the same name into the resources folder to take its place";
  }
}
