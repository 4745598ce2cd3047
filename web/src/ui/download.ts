/** Hands a text to the browser as a file to keep. */
export function download(name: string, text: string, type = "text/csv;charset=utf-8"): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  click(url, name);
  // The browser has begun to read it by then.
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Has the browser load a file by itself, under the name that the server gives: of whatever size, no script holds it. */
export function downloadFrom(address: string): void {
  click(address, "");
}

function click(address: string, name: string): void {
  const link = document.createElement("a");
  link.href = address;
  // Also where there is no name: without it an answer that is no file would take the place of the page.
  link.download = name;
  link.click();
}
