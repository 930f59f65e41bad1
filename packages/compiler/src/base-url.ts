/**
 * Where a Provider's API is, from what people write: with or without `/v1`, with or without a slash at the end. Refuses what
 * a URL of an API never holds, and addresses at which clouds hand out their own credentials to whoever can reach them.
 */

import type { ProviderSpec } from "@sluice/api";
import { isMetadataHost } from "@sluice/contract";

export type BaseUrl =
  | { readonly kind: "valid"; readonly origin: string; readonly basePath: string }
  | { readonly kind: "refused"; readonly message: string };

const vendorUrls = { OpenAI: "https://api.openai.com/v1", Anthropic: "https://api.anthropic.com/v1" } as const;

export function baseUrlOf({ type, baseUrl }: Pick<ProviderSpec, "type" | "baseUrl">): BaseUrl {
  if (baseUrl !== undefined) return parseBaseUrl(type, baseUrl);
  if (type === "OpenAICompatible") return refuse("is required when type is OpenAICompatible");
  return parseBaseUrl(type, vendorUrls[type]);
}

function parseBaseUrl(type: ProviderSpec["type"], text: string): BaseUrl {
  // WHATWG's parser brings every form of an address into one: 2852039166 and 0xa9fea9fe are 169.254.169.254.
  const url = URL.parse(text);
  if (url === null) return refuse("is not a URL");
  if (url.protocol !== "http:" && url.protocol !== "https:") return refuse("must begin with http:// or https://");
  if (url.username !== "" || url.password !== "") {
    return refuse("must not hold a user or password: a credential goes into spec.credential");
  }
  if (text.includes("?")) return refuse("must not have a query");
  if (text.includes("#")) return refuse("must not have a fragment");
  if (isMetadataHost(url.hostname)) {
    return refuse(
      `points at ${url.hostname}, a link-local or metadata address, which hands out a machine's credentials`,
    );
  }

  const path = url.pathname.replace(/\/+$/, "");
  return { kind: "valid", origin: url.origin, basePath: withVersion(type, path) };
}

/** Anthropic's operations stand under `/v1` everywhere; other servers have their own prefixes, and `/v1` where none is given. */
function withVersion(type: ProviderSpec["type"], path: string): string {
  if (type === "Anthropic") return path.endsWith("/v1") ? path : `${path}/v1`;
  return path === "" ? "/v1" : path;
}

function refuse(message: string): BaseUrl {
  return { kind: "refused", message };
}
