// Fields that mean more than their schema says, by type of step and name of field.

import type { ComponentType } from "react";
import { isObject, type JsonObject } from "../../flow/document";
import { useFlows, useObjects } from "./context";
import { CallerId, DialTarget, FallbackOwner, Ringback } from "./dialFields";
import { HangupReason } from "./HangupReason";
import { Hours } from "./Hours";
import { LoopList } from "./LoopList";
import { MenuOptions } from "./MenuOptions";
import { QueryStatement } from "./QueryStatement";
import { FlowVersion, Reference, StepChoice } from "./references";
import type { SpecialProps } from "./specialProps";
import { BranchWays, SplitWays } from "./ways";

/** By type of step and name of field. */
export const SPECIAL: Record<string, ComponentType<SpecialProps>> = {
  "menu.options": MenuOptions,
  "branch.branches": BranchWays,
  "split.branches": SplitWays,
  "time.weekly": Hours,
  "time.scheduleId": (props) => <Reference {...props} choices={useObjects("/schedules")} />,
  "caller_list.listId": (props) => <Reference {...props} choices={useObjects("/lists")} />,
  "subflow.flowId": (props) => <Reference {...props} choices={useFlows()} />,
  "subflow.version": FlowVersion,
  "goto.stepId": StepChoice,
  "dial.target": DialTarget,
  "dial.fallbackOwner": FallbackOwner,
  "dial.callerId": CallerId,
  "dial.ringback": Ringback,
  "query.soql": QueryStatement,
  "loop.list": LoopList,
  "hangup.sipReason": HangupReason,
};

/** Fields that mean nothing unless others say so: they are left out where these do not. */
export function isShown(type: string, name: string, config: JsonObject): boolean {
  if (type === "dial" && name === "fallbackOwner") {
    const isOwner = isObject(config.target) && config.target.kind === "record_owner";
    return isOwner || config.fallbackOwner !== undefined;
  }
  return true;
}

/** Fields that stand together under a title of their own, behind all others. */
export const SECTIONS: Record<string, { title: string; text: string; fields: string[] }> = {
  dial: {
    title: "Task in the CRM",
    text: "What is noted of a conversation that this step leads to. Empty: what the CRM’s connection says.",
    fields: ["taskSubject", "taskComments"],
  },
};
