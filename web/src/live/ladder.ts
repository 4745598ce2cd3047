// The SIP messages of a call as lanes and arrows. Pure.

import type { Schema } from "../api/client";

type Ladder = Schema<"LadderItem">;
type Message = Schema<"MessageItem">;

export type Lane = { key: string; name: string };

/** The caller, we, and then whoever was dialled, in that order. */
export function lanesOf(ladder: Ladder): Lane[] {
  const dialled = dialledOf(ladder).map((leg) => ({ key: String(leg), name: partyText(ladder, leg) }));
  return [{ key: "0", name: "Caller" }, { key: "own", name: "cordboard" }, ...dialled];
}

function dialledOf(ladder: Ladder): number[] {
  const legs = [...ladder.legs, ...ladder.messages].map(({ leg }) => leg);
  return [...new Set(legs)].filter((leg) => leg > 0).sort((a, b) => a - b);
}

/** What a leg's party is called. */
export function partyText(ladder: Ladder, leg: number): string {
  const party = ladder.legs.find((known) => known.leg === leg)?.party;
  return leg === 0 ? "the caller" : (party ?? `leg ${leg}`);
}

/** From which lane to which an arrow is drawn, the left one first, and which way it points. */
export function spanOf(ladder: Ladder, { leg, direction }: Message) {
  const own = 1;
  const theirs = leg === 0 ? 0 : dialledOf(ladder).indexOf(leg) + 2;
  const isSent = direction === "sent";
  return { from: Math.min(own, theirs), until: Math.max(own, theirs), isRight: theirs > own === isSent };
}

/** `INVITE`, or `200 OK`. */
export function shortLine(firstLine: string): string {
  return firstLine.startsWith("SIP/2.0 ") ? firstLine.slice(8) : (firstLine.split(" ")[0] ?? "");
}

/** All of it as a text to keep. */
export function ladderText(ladder: Ladder): string {
  return ladder.messages
    .map(({ at, direction, from, to, transport, text }) => {
      const head = `--- ${at} ${direction}, ${from} to ${to}, ${transport.toUpperCase()}`;
      return `${head}\n${text.replaceAll("\r\n", "\n").trimEnd()}\n`;
    })
    .join("\n");
}
