// The details of a call flow as one flat form: its name and description, and its settings.

import { answer, api, ask, type Schema } from "../../api/client";
import type { Door } from "../../api/documents";
import { tidy } from "../../ui/documentForm";

/** The settings of a call flow's document. */
export type FlowSettings = {
  timeZone?: string | null;
  language?: string | null;
  voice?: string | null;
  assignAbandonedTo?: string | null;
  appendFinalStep?: boolean | null;
  abandonedSubject?: string | null;
  abandonedComments?: string | null;
  shortAbandonSec?: number | null;
  recording?: "inherit" | "always" | "never" | null;
  maxCallSec?: number | null;
  maxStepsBetweenInput?: number | null;
  maxSubflowDepth?: number | null;
  fallback?: string | null;
  answer?: "on_first_media" | "immediate" | null;
  status?: "active" | "paused" | null;
};

/** What the details need of a call flow's document; the rest goes along as it is. */
export type FlowBody = {
  schema: string;
  id: string;
  name: string;
  description?: string;
  settings?: FlowSettings;
  entry: string;
  steps: Record<
    string,
    { type: string; name?: string; config?: unknown; on?: Record<string, string>; ui?: unknown }
  >;
};

export type FlowDetails = FlowSettings & {
  name: string;
  description?: string | null;
  /** The document that this came from, with its steps. */
  body: FlowBody;
};

/** The fields of a document that are its details. */
export function detailsOf(body: FlowBody): FlowDetails {
  return { ...body.settings, name: body.name, description: body.description ?? null, body };
}

/** The document with these details. */
export function withDetails(details: FlowDetails): FlowBody {
  const { name, description, body, ...settings } = details;
  const { description: _, settings: __, ...rest } = body;
  return {
    ...rest,
    name,
    ...(description && { description }),
    ...(Object.keys(tidy(settings)).length > 0 && { settings: tidy(settings) }),
  };
}

/** A document as the API's types have it, which leave out what its own schema says. */
export function asDocument(body: FlowBody): Schema<"FlowDocument"> {
  return body as unknown as Schema<"FlowDocument">;
}

/** The draft of a call flow. */
export async function readDraft(id: string): Promise<{ data: FlowBody; etag: string }> {
  const { data, etag } = await answer(api.GET("/flows/{id}/draft", { params: { path: { id } } }));
  return { data: data as unknown as FlowBody, etag };
}

/** Saves a draft, if it is still what `etag` names. Gives its new ETag. */
export async function saveDraft(id: string, etag: string, body: FlowBody): Promise<string> {
  const params = { path: { id }, header: { "If-Match": etag } };
  return (await answer(api.PUT("/flows/{id}/draft", { params, body: asDocument(body) }))).etag;
}

/** The details of the draft. */
export const detailsDoor: Door<FlowDetails> = {
  key: ["flows"],
  read: async (id) => {
    const { data, etag } = await readDraft(id);
    return { data: detailsOf(data), etag };
  },
  replace: async (id, etag, details) => {
    await saveDraft(id, etag, withDetails(details));
  },
};

/** An id out of a name: `Sales & Support` becomes `sales_support`. */
export function idFrom(name: string): string {
  const plain = name.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
  const id = plain.replaceAll(/[^a-z0-9]+/g, "_").replaceAll(/^_+|_+$/g, "");
  return id.slice(0, 40).replace(/_+$/, "");
}

/** A document to begin with: something is said, and the call ends. It is laid out when it is opened. */
export function startingFlow(id: string, name: string): FlowBody {
  const text = `Thank you for calling ${name}. Goodbye.`;
  return {
    schema: "callflow/1",
    id,
    name,
    entry: "greeting",
    steps: {
      greeting: {
        type: "greeting",
        name: "Greeting",
        config: { audio: { kind: "tts", text } },
        on: { next: "hangup" },
      },
      hangup: { type: "hangup", name: "Hang up", config: {} },
    },
  };
}

/** Deletes a call flow. One that is active is paused first, because only a paused one may be deleted. */
export async function pauseAndDelete(id: string): Promise<void> {
  const { data, etag } = await readDraft(id);
  const isPaused = data.settings?.status === "paused";
  const paused: FlowBody = { ...data, settings: { ...data.settings, status: "paused" } };
  const now = isPaused ? etag : await saveDraft(id, etag, paused);
  await ask(api.DELETE("/flows/{id}", { params: { path: { id }, header: { "If-Match": now } } }));
}
