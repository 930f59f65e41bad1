/** What is wrong with the files of a source, told in the log once each, when it appears and when it is gone. */

import { problemText } from "@sluice/api";
import type { Log } from "../log.ts";
import type { SourceProblem } from "./resource-files.ts";

export class ProblemLog {
  readonly #log: Log;
  #told = new Set<string>();
  all: readonly SourceProblem[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  tell(problems: readonly SourceProblem[]): void {
    const lines = new Set(problems.map(problemText));
    for (const problem of lines)
      if (!this.#told.has(problem)) this.#log.warn("a resource file has a problem", { problem });
    for (const problem of this.#told)
      if (!lines.has(problem)) this.#log.info("a problem of a resource file is gone", { problem });
    this.#told = lines;
    this.all = problems;
  }
}
