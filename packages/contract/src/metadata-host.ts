/**
 * Hosts that serve machine credentials: link-local addresses and the clouds' metadata services, under every name and in
 * every IPv6 form that embeds them. The compiler asks of a Provider's address, and a data plane of what a name has resolved to.
 */

import { BlockList, isIP } from "node:net";

const refused = new BlockList();
refused.addSubnet("169.254.0.0", 16, "ipv4"); // link-local; AWS, Azure, Google, DigitalOcean
refused.addAddress("100.100.100.200", "ipv4"); // Alibaba
refused.addAddress("168.63.129.16", "ipv4"); // Azure's host agent
refused.addAddress("192.0.0.192", "ipv4"); // Oracle
refused.addSubnet("fe80::", 10, "ipv6"); // link-local
refused.addAddress("fd00:ec2::254", "ipv6"); // AWS
refused.addAddress("fd20:ce::254", "ipv6"); // Google

const refusedNames = [
  "metadata",
  "metadata.google.internal",
  "metadata.goog",
  "instance-data",
  "instance-data.ec2.internal",
];

/** `hostname`: a name, or an address as WHATWG's `URL` or a resolver gives it. */
export function isMetadataHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  switch (isIP(host)) {
    case 4:
      return refused.check(host, "ipv4");
    case 6:
      return refused.check(host, "ipv6") || embeddedIpv4(host).some((address) => refused.check(address, "ipv4"));
    default:
      return refusedNames.includes(host);
  }
}

/** IPv4 addresses inside an IPv6 one: mapped and compatible (`::`), NAT64 (`64:ff9b::`), 6to4 (`2002:`). */
function embeddedIpv4(host: string): string[] {
  const groups = groupsOf(host);
  const at = (index: number) => {
    const [high, low] = [groups[index] ?? 0, groups[index + 1] ?? 0];
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  };
  if (groups[0] === 0x2002) return [at(1)];
  if (groups[0] === 0x64 && groups[1] === 0xff9b) return [at(6)];
  return groups.slice(0, 4).every((group) => group === 0) ? [at(6)] : [];
}

/** The eight groups of an address in WHATWG's form, which has no dotted part. */
function groupsOf(host: string): number[] {
  const [head = "", tail] = host.split("::");
  const numbers = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  if (tail === undefined) return numbers(head);
  const [first, last] = [numbers(head), numbers(tail)];
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
}
