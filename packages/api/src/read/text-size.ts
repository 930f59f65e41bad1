/**
 * How much work a text would be, told by its tokens before it is parsed: the parser takes about 1 KB of memory for each,
 * and a stack frame for each open bracket, so a megabyte of brackets is a gigabyte and a stack overflow.
 */

import { Lexer } from "yaml";

/** Above what a megabyte of resources comes to, even with every map on one line. */
const tokensMax = 650_000;
const bracketsMax = 64;

/** Why a text is not parsed; undefined when it may be. */
export function sizeFault(text: string): string | undefined {
  let tokens = 0;
  let open = 0;
  for (const token of new Lexer().lex(text)) {
    if (++tokens > tokensMax) return `has more than ${tokensMax} words and signs: split the file`;
    if (token === "[" || token === "{") open++;
    else if (token === "]" || token === "}") open = Math.max(0, open - 1);
    else if (token === "\u0002") open = 0; // the lexer's sign for a new document
    if (open > bracketsMax) return "is nested too deep";
  }
  return undefined;
}
