// Erasing a caller: what has to be typed, what came of it, and how a record looks afterwards.

import { api, ask, type Schema } from "../../api/client";
import type { CallRecord, TroubleRecord } from "./record";

export type Erasure = Schema<"Erasure">;

/** Takes a caller out of all call records and of the outbox. */
export function eraseCaller(number: string): Promise<Erasure> {
  return ask(api.POST("/records/erase", { body: { number } }));
}

/** Of the number. */
const DIGITS_TYPED = 4;

/** What is typed once more, so that nobody is erased by a slip: the last digits of a number; a name as a whole. */
export function confirmationOf(number: string): { kind: "digits" | "whole"; text: string } {
  const digits = number.replaceAll(/\D/g, "");
  return digits.length < DIGITS_TYPED
    ? { kind: "whole", text: number.trim() }
    : { kind: "digits", text: digits.slice(-DIGITS_TYPED) };
}

/** How much was erased, in a sentence. */
export function erasedText({ records, outboxRows }: Pick<Erasure, "records" | "outboxRows">): string {
  if (records === 0 && outboxRows === 0) {
    return "No call record and no row of the outbox has this caller.";
  }
  return `Erased from ${counted(records, "call record")} and ${counted(outboxRows, "row")} of the outbox.`;
}

function counted(count: number, noun: string): string {
  return `${count === 0 ? "no" : count.toLocaleString()} ${noun}${count === 1 ? "" : "s"}`;
}

/** A text in which commands stand between backticks, piece by piece. */
export function withCommands(text: string): { text: string; isCommand: boolean }[] {
  return text
    .split("`")
    .map((piece, at) => ({ text: piece, isCommand: at % 2 === 1 }))
    .filter((piece) => piece.text !== "");
}

/** What a record calls its caller. */
export function callerOf({ from, erased }: Pick<CallRecord, "from" | "erased">): string {
  return from || (erased ? "erased" : "anonymous");
}

/** What stands in a record in place of a text that was erased. */
const ERASED = "(erased)";

/** A text of a record; nothing where it was erased, or never there. */
export function kept(text: string | undefined): string | undefined {
  return text === ERASED ? undefined : text;
}

const TROUBLES: Record<TroubleRecord["kind"], string> = {
  not_acknowledged: "the answer was acknowledged late",
  not_secured: "there were no keys for the audio",
  no_audio: "no audio came",
  unusable_audio: "audio came that cannot be used",
  loss: "much audio was lost on the way to us",
  loss_there: "much of our audio was lost on the way there",
  jitter: "audio came unevenly",
  on_hold: "on hold",
};

/** What was wrong with the audio; where the server's sentences were erased, told by what is left. */
export function unerased(troubles: TroubleRecord[]): TroubleRecord[] {
  return troubles.map((trouble) => {
    if (trouble.text !== ERASED) {
      return trouble;
    }
    const who = { caller: "The caller", [ERASED]: "A telephone that was rung" }[trouble.party];
    return { ...trouble, text: `${who ?? trouble.party}: ${TROUBLES[trouble.kind]}.`, remedy: "" };
  });
}
