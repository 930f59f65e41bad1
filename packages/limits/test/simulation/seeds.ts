/** Worlds past those of every run that have found something: they run for ever. */

export const seedsThatFound: readonly (readonly [seed: number, found: string])[] = [
  [28_917, "a restored record grants again what it has forgotten"],
  [31_551, "an answer to the process before is none to its successor"],
  [31_683, "a lease that two twins have is excused once, even where only the record knows it"],
  [35_802, "a record whose clock is set forward by more than 3 s frees shares in use"],
  [38_908, "an answer from before a suspension revived a share"],
];
