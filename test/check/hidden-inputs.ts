/**
 * No hidden inputs: the environment is read by `cli` alone, and pure packages have neither clock nor randomness nor timers.
 * Code is compared as a syntax tree, so comments and strings may say these words.
 */

import { isTestFile, packageOf, place, readSources, type Source } from "./sources.ts";

const pure = ["api", "contract", "protocols", "compiler", "metering", "limits", "routing", "guardrails"];

const environment = ["process.env"];
const clockAndChance = [
  ...["Date.now", "performance.now", "Math.random", "crypto.randomUUID", "crypto.getRandomValues", "randomBytes"],
  ...["randomUUID", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "new Date()"],
];

export function checkHiddenInputs(root: string, sources: readonly Source[] = readSources(root)): string[] {
  return sources.flatMap((source) => {
    const folder = packageOf(source.path);
    if (folder === undefined || folder === "cli" || isTestFile(source.path) || !source.path.includes("/src/"))
      return [];
    const found = namesIn(source.parsed.program);
    const forbidden = pure.includes(folder) ? [...environment, ...clockAndChance] : environment;
    return found
      .filter(({ name }) => forbidden.includes(name))
      .map(({ name, offset }) =>
        name === "process.env"
          ? `${place(source, offset)}: only cli reads process.env: take the value as an argument`
          : `${place(source, offset)}: ${folder} is pure: take what ${name} gives as an argument`,
      );
  });
}

type Node = { readonly type: string; readonly start: number; readonly [member: string]: unknown };

/** `object.member`, calls of plain names, and `new Date()` without arguments, wherever they stand in a tree. */
function namesIn(tree: unknown): { name: string; offset: number }[] {
  const found: { name: string; offset: number }[] = [];
  const open: unknown[] = [tree];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (Array.isArray(node)) open.push(...node.filter((member) => member !== undefined));
    if (!isNode(node)) continue;
    const name = nameOf(node);
    if (name !== undefined) found.push({ name, offset: node.start });
    for (const member of Object.values(node)) if (member !== null && typeof member === "object") open.push(member);
  }
  return found;
}

function nameOf(node: Node): string | undefined {
  if (node.type === "MemberExpression") {
    const [object, member] = [identifier(node.object), identifier(node.property)];
    return object === undefined || member === undefined ? undefined : `${object}.${member}`;
  }
  if (node.type === "CallExpression") return identifier(node.callee);
  const isBareNew = node.type === "NewExpression" && Array.isArray(node.arguments) && node.arguments.length === 0;
  return isBareNew ? `new ${identifier(node.callee)}()` : undefined;
}

function identifier(node: unknown): string | undefined {
  return isNode(node) && node.type === "Identifier" ? String(node.name) : undefined;
}

function isNode(value: unknown): value is Node {
  return value !== null && typeof value === "object" && "type" in value && typeof value.type === "string";
}
