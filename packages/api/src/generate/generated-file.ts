/** A file that is generated and committed. */
export type GeneratedFile = {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
};
