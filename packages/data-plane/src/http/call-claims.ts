/**
 * What a call says of itself by headers: `x-sluice-metadata` (a JSON object of texts) and `x-sluice-run`. Claims, bounded and
 * checked before they reach an account, a record or a log; the key's own metadata goes before them.
 */

export type CallClaims = {
  readonly kind: "claims";
  readonly metadata: Readonly<Record<string, string>>;
  readonly run: string | undefined;
};
export type ClaimProblem = { readonly kind: "problem"; readonly message: string };

const headerBytesMax = 4_096;
const entriesMax = 16;
const name = /^[A-Za-z0-9_.-]{1,64}$/;
const valueLengthMax = 256;
// Letters of any script, no controls, no direction marks that would reorder a line of a log.
const plainText = /^[^\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}]*$/u;

export function readClaims(headers: {
  metadata: string | undefined;
  run: string | undefined;
}): CallClaims | ClaimProblem {
  const metadata = headers.metadata === undefined ? {} : readMetadata(headers.metadata);
  if (typeof metadata === "string") return { kind: "problem", message: `The header x-sluice-metadata ${metadata}.` };
  const run = headers.run === undefined ? undefined : utf8(headers.run);
  if (run !== undefined && (run === "" || run.length > valueLengthMax || !plainText.test(run))) {
    const message = `The header x-sluice-run must be 1 to ${valueLengthMax} printable characters.`;
    return { kind: "problem", message };
  }
  if (run !== undefined) metadata.run ??= run;
  return { kind: "claims", metadata, run: metadata.run };
}

/** Node hands header bytes over as Latin-1. */
function utf8(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}

function readMetadata(text: string): Record<string, string> | string {
  if (text.length > headerBytesMax) return `may have at most ${headerBytesMax} bytes`;
  let value: unknown;
  try {
    value = JSON.parse(utf8(text));
  } catch {
    return 'must be a JSON object of texts, as in {"feature":"search"}';
  }
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return 'must be a JSON object of texts, as in {"feature":"search"}';
  const entries = Object.entries(value);
  if (entries.length > entriesMax) return `may have at most ${entriesMax} entries`;
  const metadata: Record<string, string> = Object.create(null);
  for (const [key, one] of entries) {
    if (!name.test(key)) return "has a name that is not 1 to 64 letters, digits, dots, dashes or underscores";
    if (typeof one !== "string" || one.length > valueLengthMax || !plainText.test(one))
      return `has under '${key}' no text of at most ${valueLengthMax} printable characters`;
    metadata[key] = one;
  }
  return metadata;
}
