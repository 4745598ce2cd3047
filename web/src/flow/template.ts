// Texts with `{{variables}}` in them, while they are typed.

export type Completion = {
  /** Where the name begins, behind the braces. */
  from: number;
  /** Up to the caret. */
  to: number;
  typed: string;
};

/** The name that is being typed at the caret, where it stands within open braces. */
export function completionAt(text: string, caret: number): Completion | null {
  const before = text.slice(0, caret);
  const open = before.lastIndexOf("{{");
  if (open < 0 || before.indexOf("}}", open) >= 0) {
    return null;
  }
  const typed = before.slice(open + 2);
  const name = typed.trimStart();
  if (!/^[A-Za-z0-9_.]*$/.test(name)) {
    return null;
  }
  return { from: caret - name.length, to: caret, typed: name };
}

/** The text with the whole name in it, closed, and where the caret stands then. */
export function complete(
  text: string,
  { from, to }: Completion,
  path: string,
): { text: string; caret: number } {
  const after = text.slice(to);
  const rest = after.match(/^[A-Za-z0-9_.]*/)?.[0] ?? "";
  const tail = after.slice(rest.length);
  const isClosed = /^\s*(\}\}|\|)/.test(tail);
  const middle = isClosed ? path : `${path}}}`;
  const caret = from + middle.length + (isClosed && tail.startsWith("}}") ? 2 : 0);
  return { text: text.slice(0, from) + middle + tail, caret };
}
