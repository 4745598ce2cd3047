// A whole record, as the server writes it; the API's document says only that it is an object.

import { useQuery } from "@tanstack/react-query";
import { api, ask, type Schema } from "../../api/client";
import type { Person } from "../../api/crm";
import type { RecordedPath } from "../../live/path";
import { isUnderWay, type OutboxItem } from "../outbox/told";

export type LegRecord = {
  party: string;
  codec: string;
  packetsReceived: number;
  packetsSent: number;
  packetsLost: number;
  packetsRefused: number;
  packetsBad: number;
  jitterUs: number;
  reportedLost: number;
  reportedJitterUs: number;
  roundTripUs: number;
  /** An estimate for all that came from it; absent where nothing came, and in older records. */
  mos?: number;
};

/** What was wrong with the audio of a party, when it was first seen. */
export type TroubleRecord = Omit<Schema<"TroubleItem">, "leg"> & { at: string; party: string };

/** Somebody who was rung. */
export type Offer = {
  agent: string;
  ringSec: number;
  result: string;
  /** The trunk that it went over. Older records have neither it nor the reason. */
  trunk?: string;
  /** Why it came to nothing. */
  reason?: string;
};

/** A transfer that somebody asked for in vain. */
export type FailedTransfer = { at: string; party: string; to?: string; code: number; reason: string };

export type CallRecord = RecordedPath & {
  node: string;
  callId: string;
  callKey?: string;
  sipCallId?: string;
  trunk?: string;
  source?: string;
  number?: string;
  flowId?: string;
  version?: number;
  from: string;
  to: string;
  answer?: string;
  durationSec: number;
  billedSec?: number;
  sipCode?: number;
  endReason: string;
  reason: string;
  outcome?: string;
  outcomeText?: string;
  finalStep?: { flow?: string; version?: number; id: string; name: string; secondsIn: number } | null;
  offers?: Offer[];
  agentId?: string | null;
  talkSec?: number;
  endedBy?: string;
  vars?: [string, string][];
  tags?: Record<string, string>;
  abandonedTask?: { subject: string; comments: string; assignTo?: string | null };
  /** Whom the CRM knew under the caller's number. */
  contact?: Person | null;
  /** What other systems are told of the call, and what became of it. */
  told?: OutboxItem[];
  legs?: LegRecord[];
  troubles?: TroubleRecord[];
  failedTransfers?: FailedTransfer[];
  /** When it was asked that the caller is erased. */
  erased?: string;
};

/** A record by its server and call. It never changes but for what others are told of it, and where its caller is erased. */
export function recordQuery(node: string, id: string) {
  return {
    queryKey: ["records", "one", node, id],
    queryFn: async (): Promise<CallRecord> => {
      const record: unknown = await ask(api.GET("/records/{node}/{id}", { params: { path: { node, id } } }));
      return record as CallRecord;
    },
    staleTime: Number.POSITIVE_INFINITY,
  };
}

/** What is under way is something else soon. */
const UNDER_WAY_MS = 5_000;

export function useRecord(node: string, id: string) {
  return useQuery({
    ...recordQuery(node, id),
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data?.told?.some(isUnderWay) ? UNDER_WAY_MS : false),
  });
}
