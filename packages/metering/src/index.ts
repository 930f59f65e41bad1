export { type CallFeatures, contextWindowUnknown, expandableBytes, type WorstCase, worstCase } from "./bound.ts";
export { type BuiltInCatalog, builtInCatalog, type CatalogModel } from "./catalog/catalog.ts";
export { costAtMostNanoUsd, costNanoUsd, inputTokensOf, outputTokensOf } from "./cost.ts";
export { decimalToNanoUsd, nanoUsdToDecimal, type Problem } from "./decimal.ts";
export { discounted } from "./discounted.ts";
export { estimateInputTokens, estimateOutputTokens } from "./estimate.ts";
export { modelMatch } from "./model-match.ts";
export type { Price, Rates, Usage } from "./price.ts";
export {
  type CacheWriteRule,
  type DecimalPrice,
  type DecimalRates,
  type PriceProblem,
  priceFromDecimals,
} from "./price-from-decimals.ts";
