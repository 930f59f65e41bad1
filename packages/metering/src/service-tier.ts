/**
 * Service tiers: factors on a whole call, by the vendor's own name (`priority`, `flex`; Anthropic's `fast` speed and `us`
 * residency as well). Where several apply their names are joined with a plus: `fast+us`.
 */

import type { Price } from "./price.ts";

/** Names of the plain rates, in requests. */
const plain = new Set(["default", "standard", "standard_only"]);

/** No vendor gives these to a call that did not ask. */
const onlyWhenAsked = new Set(["fast", "ultrafast"]);

/** Set for a whole account or workspace as well, so that any call may have them, whatever else it asks for. */
const residencies = new Set(["us", "eu"]);

/** In thousandths. A name that the price does not know costs the plain rates: it would be in the price if it cost more. */
export function serviceTierFactor(price: Price, serviceTier: string | undefined): number {
  if (serviceTier === undefined) return 1000;
  if (!serviceTier.includes("+")) return factorOf(price, serviceTier);
  return serviceTier.split("+").reduce((product, name) => times(product, factorOf(price, name)), 1000);
}

/**
 * The largest factor that a call may be charged by when it asks for `serviceTier`. Whoever asks for nothing (`auto`) may be
 * given what the account's project is set to; a tier that was asked for may fall back to the plain one.
 */
export function dearestServiceTierFactor(price: Price, serviceTier: string | undefined): number {
  const asked = (serviceTier ?? "auto").split("+");
  const tiers = asked.filter((name) => !residencies.has(name) && !onlyWhenAsked.has(name));
  const isAuto = tiers.every(
    (name) => name === "auto" || !(plain.has(name) || Object.hasOwn(price.serviceTiers, name)),
  );
  let tier = 1000;
  let speed = 1000;
  let residency = 1000;
  for (const [name, factor] of Object.entries(price.serviceTiers)) {
    if (residencies.has(name)) residency = Math.max(residency, factor);
    else if (onlyWhenAsked.has(name)) speed = asked.includes(name) ? Math.max(speed, factor) : speed;
    else if (isAuto || asked.includes(name)) tier = Math.max(tier, factor);
  }
  return times(times(tier, speed), residency);
}

/** `Object.hasOwn`: the name comes from an answer, and `constructor` is no service tier. */
function factorOf(price: Price, name: string): number {
  return Object.hasOwn(price.serviceTiers, name) ? (price.serviceTiers[name] ?? 1000) : 1000;
}

function times(thousandths: number, factor: number): number {
  return thousandths === 1000 ? factor : Math.ceil((thousandths * factor) / 1000);
}
