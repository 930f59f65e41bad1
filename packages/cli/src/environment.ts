/** The one place that reads `process.env` for the verbs. `compose/environment.ts` reads what `up` is made of. */

export type ClientEnvironment = { readonly server?: string; readonly token?: string };

/** An empty variable counts as one that is not set. */
export function variable(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === "" ? undefined : value;
}

export function readClientEnvironment(): ClientEnvironment {
  const [server, token] = [variable("SLUICE_SERVER"), variable("SLUICE_TOKEN")];
  return { ...(server === undefined ? {} : { server }), ...(token === undefined ? {} : { token }) };
}
