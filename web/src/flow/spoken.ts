// A text with variables as somebody hears it who only wants to know how it sounds.

/** Each variable as its own default says, else as the last word of its name: `{{call.fromName}}` becomes "from name". */
export function spokenText(text: string): string {
  return text.replaceAll(
    /\{\{\s*([A-Za-z0-9_.]+)\s*((?:\|[^}]*)?)\}\}/g,
    (_, path: string, filters: string) => {
      const fallback = /\|\s*default:\s*"([^"]*)"/.exec(filters)?.[1];
      return fallback ?? wordsOf(path);
    },
  );
}

function wordsOf(path: string): string {
  const last = path.split(".").at(-1) ?? "";
  return last
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toLowerCase();
}
