import type { Hooks } from "./hooks.ts";
export const plantedBugs: Record<string, Hooks> = {};
