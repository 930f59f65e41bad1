/** Log lines as JSON on standard error: time, level, message, then what belongs to it. Data goes to standard output, never here. */

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

type Write = (message: string, fields?: Readonly<Record<string, unknown>>) => void;
export type JsonLog = Readonly<Record<LogLevel, Write>>;

export function createLog(least: LogLevel, write: (line: string) => void, wallMs: () => number): JsonLog {
  const silent: Write = () => undefined;
  const at =
    (level: LogLevel): Write =>
    (message, fields) =>
      write(`${JSON.stringify({ time: new Date(wallMs()).toISOString(), level, message, ...fields }, plain)}\n`);
  const level = (name: LogLevel) => (logLevels.indexOf(name) < logLevels.indexOf(least) ? silent : at(name));
  return { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };
}

/** What JSON would drop or refuse: an error's message with its causes, and big integers. */
function plain(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (!(value instanceof Error)) return value;
  return value.cause instanceof Error ? `${value.message}: ${plain("", value.cause)}` : value.message;
}
