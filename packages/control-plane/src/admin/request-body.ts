/** A request's body: bounded, JSON or YAML by its content type. */

import { problemText, readResources } from "@sluice/api";
import { StatusError } from "./status-error.ts";

/** Kubernetes' own bound of a request. */
const bytesMax = 3 * 1024 * 1024;

export async function readText(request: Request): Promise<string> {
  const told = Number(request.headers.get("content-length") ?? 0);
  const pieces: Uint8Array[] = [];
  let bytes = told > bytesMax ? told : 0;
  if (bytes === 0) {
    for await (const piece of request.body ?? []) {
      bytes += piece.length;
      if (bytes > bytesMax) break;
      pieces.push(piece);
    }
  }
  if (bytes > bytesMax) throw new StatusError("RequestEntityTooLarge", `The body is larger than ${bytesMax} bytes`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(pieces));
  } catch {
    throw new StatusError("BadRequest", "The body is not UTF-8");
  }
}

/** An object to be written. YAML is read as the files of the resources folder are, and told by line and column. */
export async function readObject(request: Request): Promise<unknown> {
  const type = mediaType(request);
  const text = await readText(request);
  if (type === "application/json" || type === "") return parseJson(text);
  if (type !== "application/yaml")
    throw new StatusError(
      "UnsupportedMediaType",
      `Bodies of type ${type} are not read: send application/json or application/yaml`,
    );
  const { resources, problems } = readResources(text, "body");
  if (problems.length > 0) {
    const causes = problems.map(({ path, message, reason }) => ({ reason, message, field: path }));
    throw new StatusError("Invalid", problems.map(problemText).join("; "), { causes });
  }
  const [first, ...more] = resources;
  if (first === undefined || more.length > 0)
    throw new StatusError("BadRequest", "The body must hold exactly one resource");
  return first.resource;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StatusError("BadRequest", `The body is not JSON: ${(error as Error).message.slice(0, 200)}`);
  }
}

export function mediaType(request: Request): string {
  return (request.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}
