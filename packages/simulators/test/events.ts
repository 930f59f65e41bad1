/** Server-sent events of a whole text, as simply as the simulators write them. */

export function eventsOf(text: string): { name: string | undefined; data: string | undefined }[] {
  return text
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) => {
      const line = (field: string) =>
        block
          .split("\n")
          .find((candidate) => candidate.startsWith(`${field}: `))
          ?.slice(field.length + 2);
      return { name: line("event"), data: line("data") };
    });
}
