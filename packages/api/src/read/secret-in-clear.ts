/**
 * Secrets in clear: texts that look like a credential, wherever they stand in a resource. A resource goes into a
 * repository, a history and a console, so one that carries a key is refused before it is kept. A guard against accidents:
 * it knows the forms that vendors give their keys, not every possible secret.
 */

import type { Breach, Segment } from "./problem.ts";

const forms = [
  /\bsk-[A-Za-z0-9_-]{20,}/, // OpenAI, Anthropic, OpenRouter, DeepSeek, and our own
  /\b(AKIA|ASIA)[0-9A-Z]{16}\b/, // AWS access keys
  /\bAIza[0-9A-Za-z_-]{35}/, // Google API keys
  /\bya29\.[0-9A-Za-z_-]{20,}/, // Google OAuth tokens
  /\b(gsk|xai|hf|r8|pplx|fw|nvapi|csk)[_-][A-Za-z0-9_-]{28,}/, // Groq, xAI, Hugging Face, Replicate, Perplexity …
  /\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20,})/,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/, // Slack
  /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/,
  /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/, // JSON Web Tokens
  /\bbearer +[A-Za-z0-9._~+/-]{20,}/i,
  /^[a-z][a-z0-9+.-]{0,20}:\/\/[^/?#\s:@]{0,256}:[^/?#\s@]{1,256}@/i, // user:password@ in a URL
];
const anyForm = new RegExp(forms.map((form) => form.source).join("|"), "gi");

/** Fields of other tools' configuration that hold the key itself. */
const secretName =
  /^(api[-_]?key|(access|secret|client|private|auth)[-_]?(key|secret|token)|secret|token|password|credential)$/i;

const advice =
  "holds a secret in clear: put it into a Secret and refer to that (credential: { type: APIKey, apiKey: { secretRef: { name, key } } }); if it has been shared or committed, revoke it";

export function looksSecret(text: string): boolean {
  return forms.some((form) => form.test(text));
}

/** The text without what looks like a secret. */
export function redactSecrets(text: string): string {
  return text.replace(anyForm, "[redacted]");
}

/** Every place of a value that holds a secret. The value is bounded already (`plain-value.ts`). */
export function secretsInClear(value: unknown, segments: readonly Segment[] = []): Breach[] {
  const breach = (at: readonly Segment[], atKey: boolean): Breach => ({
    segments: at,
    message: advice,
    reason: "FieldValueForbidden",
    atKey,
  });
  if (typeof value === "string") return looksSecret(value) ? [breach(segments, false)] : [];
  if (Array.isArray(value)) return value.flatMap((item, index) => secretsInClear(item, [...segments, index]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const at = [...segments, name];
    if (looksSecret(name)) return [breach(at, true)];
    const named = segments[0] === "spec" && secretName.test(name) && typeof member === "string" && member !== "";
    return named ? [breach(at, false)] : secretsInClear(member, at);
  });
}
