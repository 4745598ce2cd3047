// What happens to calls, in plain words.

import type { Stage } from "./model";

export const OUTCOMES = {
  answered: "Talked to somebody",
  voicemail_left: "Left a message",
  abandoned_in_flow: "Gave up in the call flow",
  abandoned_in_queue: "Gave up waiting in a queue",
  abandoned_ringing: "Gave up while it rang",
  short_abandon: "Hung up within seconds",
  disconnected_by_flow: "Ended by the call flow",
  callback_requested: "Asked to be called back",
  loop_guard: "Stopped going in circles",
  error: "Failed",
} as const;

export type OutcomeName = keyof typeof OUTCOMES;

export function isOutcome(text: string): text is OutcomeName {
  return Object.hasOwn(OUTCOMES, text);
}

/** Callers whom nobody spoke to. */
export const ABANDONED = [
  "abandoned_in_flow",
  "abandoned_ringing",
  "abandoned_in_queue",
  "short_abandon",
] as const satisfies readonly OutcomeName[];

export function isAbandoned(outcome: string | null | undefined): boolean {
  return ABANDONED.some((name) => name === outcome);
}

/** What became of a call; one that was refused before its flow began has no outcome. */
export function outcomeText(outcome: string | null | undefined): string {
  if (!outcome) {
    return "Refused";
  }
  return isOutcome(outcome) ? OUTCOMES[outcome] : outcome.replaceAll("_", " ");
}

export function outcomeColor(outcome: string | null | undefined): string {
  if (outcome === "answered" || outcome === "voicemail_left" || outcome === "callback_requested") {
    return "teal";
  }
  if (outcome === "error" || outcome === "loop_guard" || !outcome) {
    return "red";
  }
  return outcome === "disconnected_by_flow" || outcome === "short_abandon" ? "gray" : "orange";
}

const END_REASONS: Record<string, string> = {
  caller_hung_up: "The caller hung up.",
  agent_hung_up: "The person who was called hung up.",
  flow_ended: "The call flow came to its end.",
  caller_vanished: "Nothing was heard from the caller's telephone any more.",
  agent_vanished: "Nothing was heard from the agent's telephone any more.",
  not_acknowledged: "The caller's side never confirmed that the call was answered.",
  rejected: "The call was refused.",
  bad_answer: "The caller's side answered with audio that cannot be used.",
  operator_hung_up: "Somebody hung it up here.",
  transferred: "Its parties went on in another call, which it was joined with.",
  server_stopped: "The server was stopped.",
  internal_error: "Something in the server failed; its log says what.",
};

export function endReasonText(reason: string): string {
  return END_REASONS[reason] ?? sentence(reason.replaceAll("_", " "));
}

export const STAGES: Record<Stage, string> = {
  arriving: "Not answered yet",
  flow: "In the call flow",
  ringing: "Ringing",
  talking: "Talking",
};

const SOURCES: Record<string, string> = {
  rfc4733: "telephone event",
  in_band: "tone in the audio",
  info: "SIP INFO",
};

/** How a key reached us. */
export function sourceText(source: string): string {
  return SOURCES[source] ?? source;
}

const LEG_STATES: Record<string, string> = {
  dialled: "is being called",
  ringing: "rings",
  answered: "answered",
  connected: "talks to the caller",
  ended: "is off the line",
};

export function legStateText(state: string): string {
  return LEG_STATES[state] ?? state;
}

const OFFER_RESULTS: Record<string, string> = {
  answered: "answered",
  no_answer: "did not answer",
  busy: "was busy",
  rejected: "declined",
  unavailable: "could not be reached",
  failed: "could not be called",
  not_accepted: "did not accept the call",
  answered_elsewhere: "stopped ringing: somebody else answered",
  handed_over: "was given the call by the trunk, which took it over",
  transferred: "was given the call by a transfer",
};

/** What became of a telephone that was rung. */
export function offerText(result: string): string {
  return OFFER_RESULTS[result] ?? result.replaceAll("_", " ");
}

const PORTS: Record<string, string> = {
  next: "went on",
  no_input: "pressed nothing",
  invalid: "pressed a wrong key",
  no_response: "no response",
  error: "could not do its work",
  any: "another value",
  none: "no value",
  open: "open",
  closed: "closed",
  holiday: "holiday",
  no_answer: "nobody answered",
  busy: "busy",
  unavailable: "nobody could be reached",
  rejected: "declined",
  failed: "could not be called",
  after_call: "after the conversation",
  success: "the answer came",
  http_error: "an error came back",
  found: "found",
  not_found: "not found",
  body: "next item",
  completed: "all items done",
  empty: "no items",
  break: "stopped early",
  match: "on the list",
  no_match: "not on the list",
  return: "came back",
};

/** By which way a step was left; `label` is what the flow's document calls it. */
export function portText(port: string, label?: string): string {
  if (port.startsWith("key:")) {
    return `pressed ${port.slice(4)}${label ? ` (${label})` : ""}`;
  }
  return label ?? PORTS[port] ?? port.replace(/^\w:/, "").replaceAll("_", " ");
}

const KINDS: Record<string, string> = {
  greeting: "Greeting",
  menu: "Menu",
  prompt: "Prompt",
  branch: "Branch",
  time: "Opening times",
  dial: "Dial",
  voicemail: "Voicemail",
  callout: "Salesforce callout",
  query: "Salesforce query",
  http: "Web request",
  loop: "Loop",
  set: "Variables",
  sms: "Text message",
  subflow: "Another flow",
  goto: "Go to",
  caller_list: "Caller list",
  split: "Split",
  wait: "Wait",
  tag: "Tag",
  hangup: "Hang up",
};

/** What kind of step it is. */
export function kindText(kind: string): string {
  return KINDS[kind] ?? kind.replaceAll("_", " ");
}

/** With a capital letter and a full stop. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  const whole = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return whole === "" || /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
