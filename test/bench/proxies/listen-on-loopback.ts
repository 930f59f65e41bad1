/** Preloaded into a gateway that has no option for it: it listens on loopback only. */

import { Server } from "node:net";

type Listen = (this: Server, ...args: unknown[]) => Server;
const listen = Server.prototype.listen as Listen;
Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  const [first, ...rest] = args;
  if (typeof first === "number") {
    const callbacks = rest.filter((argument) => typeof argument === "function");
    return listen.call(this, { port: first, host: "127.0.0.1" }, ...callbacks);
  }
  if (typeof first === "object" && first !== null && "port" in first)
    return listen.call(this, { ...first, host: "127.0.0.1" }, ...rest);
  return listen.apply(this, args);
} as Server["listen"];
