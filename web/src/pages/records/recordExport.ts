// Records as files, made by the server.

import { api, offeredFile } from "../../api/client";
import type { RecordQuery } from "./filter";

export type ExportFormat = "fields" | "asterisk" | "lines";

/** What can be had, and for whom it is. */
export const FORMATS: Record<ExportFormat, { label: string; text: string }> = {
  fields: { label: "CSV", text: "A table with the names of the records’ own fields" },
  asterisk: {
    label: "CSV as from Asterisk",
    text: "A table with the names of Asterisk’s call detail records",
  },
  lines: { label: "JSON lines", text: "Whole records, one in a line, for programs" },
};

/** Where all records that the search finds are had as a file; the server has agreed to make it. */
export function addressOfExport(format: ExportFormat, query: RecordQuery): Promise<string> {
  const how = { parseAs: "stream" } as const;
  if (format === "lines") {
    return offeredFile(api.GET("/records.jsonl", { params: { query }, ...how }));
  }
  return offeredFile(api.GET("/records.csv", { params: { query: { ...query, columns: format } }, ...how }));
}
