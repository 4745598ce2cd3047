// What may stand behind a link: other systems say these addresses.

/** Whether a text is the address of a web page, and nothing that a browser would run. */
export function isWebAddress(text: string): boolean {
  try {
    return ["http:", "https:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}
