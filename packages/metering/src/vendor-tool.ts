/** Tools that a vendor defines, by the `type` in a request: who runs them, what their definition adds, which fee they have. */

export type ToolRule = {
  readonly runsAt: "caller" | "vendor";
  /** Tokens that the vendor's own definition adds to the input; a tool's short `type` does not show them. */
  readonly definitionTokens: number;
  /** The price's fee per call. Undefined, where the vendor runs it: a fee that no price here covers. */
  readonly fee?: "webSearch" | "webFetch";
};

/** The dearest that is stated: Anthropic's text editor 700, computer use 735 and a system prompt of 499. */
const definitionTokens = 1_500;

/**
 * Asked for by the vendor's model, run by the caller, whose answer is a further request. Whole names: a vendor may run another
 * tool of the same family itself, as OpenAI does with `shell`.
 */
const callersTools = /^((bash|text_editor|computer|memory)_20\d{6}|computer_use_preview|local_shell|apply_patch)$/;

export function toolRule(kind: string): ToolRule {
  if (callersTools.test(kind)) return { runsAt: "caller", definitionTokens };
  if (/^web_?search/i.test(kind)) return { runsAt: "vendor", definitionTokens, fee: "webSearch" };
  if (/^web_?fetch/i.test(kind)) return { runsAt: "vendor", definitionTokens, fee: "webFetch" };
  return { runsAt: "vendor", definitionTokens };
}
