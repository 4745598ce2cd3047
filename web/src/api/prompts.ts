// Sound files that callers hear.

import { answer, api, ask, type Schema } from "./client";

export type Prompt = Schema<"PromptItem">;

/** The sound as browsers play it. */
export function wavOf(id: string): string {
  return `/api/v1/prompts/${encodeURIComponent(id)}/wav`;
}

/** The file as it was uploaded. */
export function originalOf(id: string): string {
  return `/api/v1/prompts/${encodeURIComponent(id)}/original`;
}

/** What a file is goes by its bytes: the name of its type may be wrong, and is not sent. */
const asBytes = {
  bodySerializer: (file: unknown) => file as Blob,
  headers: { "Content-Type": "application/octet-stream" },
};

type About = { name?: string; language?: string };

const said = ({ name, language }: About) => ({ ...(name && { name }), ...(language && { language }) });

/** Puts a file into the library. */
export function addPrompt(id: string, file: Blob, about: About): Promise<Prompt> {
  return ask(api.POST("/prompts", { params: { query: { id, ...said(about) } }, body: file, ...asBytes }));
}

/** Puts another file, or another name or language, in the place of what `etag` names. */
export function replacePrompt(id: string, etag: string, file: Blob, about: About): Promise<Prompt> {
  const params = { path: { id }, query: said(about), header: { "If-Match": etag } };
  return ask(api.PUT("/prompts/{id}", { params, body: file, ...asBytes }));
}

export function readPrompt(id: string): Promise<{ data: Prompt; etag: string }> {
  return answer(api.GET("/prompts/{id}", { params: { path: { id } } }));
}

/** The file as it was uploaded, to be sent again with another name. */
export function readOriginal(id: string): Promise<Blob> {
  return ask(
    api.GET("/prompts/{id}/original", { params: { path: { id } }, parseAs: "blob" }),
  ) as Promise<Blob>;
}

/** A text as the server's speech engine says it. */
export async function speak(text: string, language: string, voice: string): Promise<Blob> {
  const body = { text, ...(language && { language }), ...(voice && { voice }) };
  return (await ask(api.POST("/speech", { body, parseAs: "blob" }))) as Blob;
}

/** An id out of the name of a file: `Office closed.mp3` becomes `office_closed`. */
export function promptIdFrom(fileName: string): string {
  const plain = fileName
    .replace(/\.[^.]*$/, "")
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase();
  return plain
    .replaceAll(/[^a-z0-9-]+/g, "_")
    .replaceAll(/^_+|_+$/g, "")
    .slice(0, 80);
}
