// What a step is set to, in a line.

import { isObject, type Json, type Step, textOf } from "./document";

/** The line under a step's name. */
export function summaryOf(step: Step): string {
  const config = step.config ?? {};
  switch (step.type) {
    case "greeting":
    case "hangup":
    case "wait": {
      const audio = audioWords(config.audio);
      const pause = step.type === "wait" ? `${textOf(config.seconds) || "?"} s` : "";
      return [pause, audio].filter(Boolean).join(", ");
    }
    case "menu":
    case "prompt":
      return audioWords(config.prompt);
    case "branch":
      return textOf(config.value);
    case "time":
      return textOf(config.scheduleId) ? `Schedule ${textOf(config.scheduleId)}` : hoursWords(config.weekly);
    case "dial":
      return dialWords(config.target, config.fallbackOwner);
    case "caller_list":
      return textOf(config.listId);
    case "subflow":
      return textOf(config.flowId);
    case "http":
      return `${textOf(config.method) || "GET"} ${textOf(config.url)}`;
    case "callout":
      return textOf(config.path);
    case "query":
      return textOf(config.soql);
    case "sms":
      return textOf(config.body);
    case "loop":
      return textOf(config.list) || (Array.isArray(config.list) ? config.list.map(textOf).join(", ") : "");
    case "set":
      return Array.isArray(config.variables)
        ? config.variables
            .filter(isObject)
            .map((variable) => textOf(variable.name))
            .join(", ")
        : "";
    case "tag":
      return `${textOf(config.key)} = ${textOf(config.value)}`;
    default:
      return "";
  }
}

/** What an audio object plays, in a few words. */
export function audioWords(audio: Json | undefined): string {
  if (!isObject(audio)) {
    return "";
  }
  if (audio.kind === "tts") {
    return textOf(audio.text) ? `“${textOf(audio.text)}”` : "";
  }
  if (audio.kind === "file") {
    return textOf(audio.id);
  }
  return Array.isArray(audio.items) ? audio.items.map(audioWords).filter(Boolean).join(" + ") : "";
}

function hoursWords(weekly: Json | undefined): string {
  if (!Array.isArray(weekly) || weekly.length === 0) {
    return "never open";
  }
  return weekly
    .filter(isObject)
    .map((interval) => {
      const days = Array.isArray(interval.days) ? interval.days.map(textOf) : [];
      const span = days.length > 2 ? `${days[0]}–${days.at(-1)}` : days.join(", ");
      return `${span} ${textOf(interval.open)}–${textOf(interval.close)}`;
    })
    .join("; ");
}

function dialWords(target: Json | undefined, fallback?: Json): string {
  if (!isObject(target)) {
    return "";
  }
  if (target.kind === "record_owner") {
    const others = dialWords(fallback);
    return `The record's owner${others && `, else ${others}`}`;
  }
  return Array.isArray(target.values) ? target.values.map(textOf).join(", ") : textOf(target.value);
}
