/** Waits for what comes by itself. A condition that does not hold may say what it found instead. */

const withinMs = 20_000;
const everyMs = 10;

export async function eventually(what: string, holds: () => Promise<boolean | string> | boolean | string) {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await holds();
    if (found === true) return;
    if (performance.now() > deadline)
      throw new Error(`waited ${withinMs} ms for ${what}${found === false ? "" : `; there is ${found}`}`);
    await new Promise((wake) => setTimeout(wake, everyMs));
  }
}
