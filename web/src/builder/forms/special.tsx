// Fields that mean more than their schema says, by type of step and name of field.

import type { ComponentType } from "react";
import { useFlows, useObjects } from "./context";
import { CallerId, DialTarget, Ringback } from "./dialFields";
import { HangupReason } from "./HangupReason";
import { Hours } from "./Hours";
import { LoopList } from "./LoopList";
import { MenuOptions } from "./MenuOptions";
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
  "dial.callerId": CallerId,
  "dial.ringback": Ringback,
  "loop.list": LoopList,
  "hangup.sipReason": HangupReason,
};
