/** `labelSelector` and `fieldSelector` of lists and watches. */

import type { StoredResource } from "../store/store.ts";
import { StatusError } from "./status-error.ts";

export type Selects = (resource: StoredResource) => boolean;

/** Throws a 400 for what can't be read: a selector that is half understood would select the wrong things. */
export function selectorOf(query: { labelSelector?: string; fieldSelector?: string }): Selects {
  const labels = labelTests(query.labelSelector ?? "");
  const fields = fieldTests(query.fieldSelector ?? "");
  return (resource) => labels.every((test) => test(resource.labels)) && fields.every((test) => test(resource));
}

type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

function labelTests(selector: string): LabelTest[] {
  // A comma inside parentheses separates values, not requirements.
  return selector
    .split(/,(?![^()]*\))/)
    .filter((part) => part.trim() !== "")
    .map((part) => labelTest(part.trim()));
}

const name = "([A-Za-z0-9./_-]+)";
const value = "([A-Za-z0-9._-]*)";

function labelTest(text: string): LabelTest {
  const equal = new RegExp(`^${name}\\s*(==|=|!=)\\s*${value}$`).exec(text);
  if (equal !== null) {
    const [, label = "", operator, wanted = ""] = equal;
    return operator === "!=" ? (labels) => labels[label] !== wanted : (labels) => labels[label] === wanted;
  }
  const oneOf = new RegExp(`^${name}\\s+(in|notin)\\s*\\(([^()]*)\\)$`).exec(text);
  if (oneOf !== null) {
    const [, label = "", operator, list = ""] = oneOf;
    const wanted = new Set(list.split(",").map((part) => part.trim()));
    const among = (labels: Readonly<Record<string, string>>) =>
      labels[label] !== undefined && wanted.has(labels[label]);
    return operator === "in" ? among : (labels) => !among(labels);
  }
  const present = new RegExp(`^(!?)${name}$`).exec(text);
  if (present === null)
    throw new StatusError("BadRequest", `unable to parse the label selector at "${text.slice(0, 100)}"`);
  const [, not, label = ""] = present;
  return (labels) => Object.hasOwn(labels, label) === (not === "");
}

function fieldTests(selector: string): Selects[] {
  return selector
    .split(",")
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const [, field, operator, wanted] =
        /^\s*(metadata\.name|metadata\.namespace)\s*(==|=|!=)\s*(\S*)\s*$/.exec(part) ?? [];
      if (field === undefined) {
        throw new StatusError(
          "BadRequest",
          `the field selector "${part.slice(0, 100)}" is not supported: metadata.name and metadata.namespace are`,
        );
      }
      const of = (resource: StoredResource) => (field === "metadata.name" ? resource.name : resource.namespace);
      return (resource: StoredResource) => (of(resource) === wanted) === (operator !== "!=");
    });
}
