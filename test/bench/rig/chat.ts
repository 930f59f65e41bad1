/** The call that every gateway gets. */

export function chatBody(model: string, stream: boolean): string {
  return JSON.stringify({
    model,
    messages: [
      { role: "system", content: "You answer briefly and in plain words." },
      {
        role: "user",
        content:
          "Explain in two sentences what an AI gateway does and why a platform team would run one in front of several model providers.",
      },
    ],
    temperature: 0.2,
    max_tokens: 128,
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  });
}

/** As `chat.lua` reads them. */
export function headerList(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join("|");
}

/** The other way round. */
export function headersOf(list: string): Record<string, string> {
  const pairs = list.split("|").filter((pair) => pair !== "");
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf(":")), pair.slice(pair.indexOf(":") + 2)]));
}

/** The middle of what was measured, and its 99th percentile; in the unit of `values`. */
export function percentiles(values: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? Number.NaN };
}
