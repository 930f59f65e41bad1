import { Pool } from "undici";
import { expect, test } from "vitest";
import { guardedConnector, isForbidden } from "./guarded-connect.ts";

test.for([
  ["169.254.169.254", true],
  ["::ffff:169.254.169.254", true],
  ["::ffff:a9fe:a9fe", true],
  ["fd00:ec2::254", true],
  ["fe80::1", true],
  ["fe80::1%eth0", true],
  ["100.100.100.200", true],
  ["64:ff9b::a9fe:a9fe", true],
  ["0.0.0.0", true],
  ["::", true],
  ["127.0.0.1", false],
  ["10.0.0.7", false],
  ["fd00::1", false],
  ["93.184.215.14", false],
  ["api.openai.com", false],
] as const)("%s: forbidden is %j", ([address, forbidden]) => {
  expect(isForbidden(address)).toBe(forbidden);
});

test.for(["http://169.254.169.254", "http://[::ffff:a9fe:a9fe]", "http://0xa9fea9fe", "http://2852039166"])(
  "%s is refused before a connection is tried",
  async (origin) => {
    const pool = new Pool(origin, { connect: guardedConnector({ connectMs: 2_000 }) });
    await expect(pool.request({ path: "/", method: "GET" })).rejects.toThrow("never connected to");
    await pool.destroy();
  },
);
