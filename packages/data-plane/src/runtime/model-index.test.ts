import fc from "fast-check";
import { expect, test } from "vitest";
import { coversModel, ModelIndex } from "./model-index.ts";

const word = fc.stringMatching(/^[ab-]{1,4}$/);
const pattern = fc.oneof(
  word,
  word.map((text) => `${text}*`),
  fc.constant("*"),
);

test("the entry found is an exact one, else the longest prefix, else the one for all, and of equals the first", () => {
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 8 }), word, (patterns, model) => {
      const index = new ModelIndex<number>();
      for (const [at, one] of patterns.entries()) index.add(one, at);
      const matching = patterns.map((one, at) => ({ one, at })).filter(({ one }) => coversModel([one], model));
      const weight = (one: string) => (one.endsWith("*") ? one.length - 1 : 1_000);
      const best = matching.sort((a, b) => weight(b.one) - weight(a.one) || a.at - b.at)[0];
      expect(index.find(model)?.value).toBe(best?.at);
    }),
  );
});
