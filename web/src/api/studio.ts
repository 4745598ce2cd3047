// Call flows of Twilio Studio, brought over by the server.

import { type FlowDocument, type JsonObject, readDocument } from "../flow/document";
import { api, ask, type Schema } from "./client";

export type StudioLine = Schema<"StudioLine">;

export type StudioImport = {
  document: FlowDocument;
  summary: string;
  report: StudioLine[];
};

/** The document that a flow definition of Studio becomes, with a line for each of its widgets. */
export async function importStudio(definition: JsonObject): Promise<StudioImport> {
  const body = definition as Schema<"StudioDefinition">;
  const { document, summary, report } = await ask(api.POST("/flows/import-studio", { body }));
  const read = readDocument(document);
  if ("error" in read) {
    throw new Error(read.error);
  }
  return { document: read.document, summary, report };
}
