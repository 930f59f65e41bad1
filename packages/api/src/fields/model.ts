/** Names of models, and the patterns that Routes and keys select them by: a name, a prefix (`gpt-*`), or `*` for all. */

import { z } from "zod";

// A dot stands only beside other characters: `..` would climb out of a path where a model's name is part of one.
const name = /^(\.?[A-Za-z0-9_:/@-])+\.?$/;
const pattern = /^(\*|(\.?[A-Za-z0-9_:/@-])+\.?\*?)$/;

export const modelName = z
  .string()
  .min(1)
  .max(256)
  .regex(name, "must be a model's name: letters, digits and . _ : / @ -, without '..'");

export const modelPattern = z
  .string()
  .min(1)
  .max(256)
  .regex(
    pattern,
    "must be a model's name, a prefix such as 'gpt-*', or '*'; letters, digits and . _ : / @ -, without '..'",
  );
