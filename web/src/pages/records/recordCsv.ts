import { outcomeText } from "../../live/words";
import { csvText } from "../../ui/csv";
import type { RecordItem } from "./filter";

const HEAD = [
  "start",
  "end",
  "caller",
  "number",
  "dialled",
  "call_flow",
  "version",
  "answered",
  "seconds",
  "talk_seconds",
  "outcome",
  "outcome_in_words",
  "agent",
  "end_reason",
  "reason",
  "node",
  "call_id",
];

/** Records as CSV, with times as RFC 3339 in UTC. */
export function recordsCsv(records: readonly RecordItem[]): string {
  return csvText(
    HEAD,
    records.map((record) => [
      record.start,
      record.end,
      record.from,
      record.number ?? null,
      record.to,
      record.flowId ?? null,
      record.version ?? null,
      record.answered ? "yes" : "no",
      Math.round(record.durationSec * 10) / 10,
      record.talkSec,
      record.outcome ?? null,
      outcomeText(record.outcome),
      record.agentId ?? null,
      record.endReason,
      record.reason,
      record.node,
      record.callId,
    ]),
  );
}
