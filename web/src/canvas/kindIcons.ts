import {
  IconAddressBook,
  IconArrowsSplit2,
  IconClock,
  IconCloudQuestion,
  IconCornerDownRight,
  IconDatabase,
  IconDialpad,
  IconGitBranch,
  IconHourglass,
  IconMessage,
  IconNumbers,
  IconPhoneCall,
  IconPhoneOff,
  IconQuestionMark,
  IconRepeat,
  IconRoute,
  IconTag,
  IconVariable,
  IconVolume,
  IconWorld,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import type { Group } from "../flow/catalogue";

type Icon = ComponentType<{ size?: number; stroke?: number; "aria-hidden"?: boolean }>;

const ICONS: Record<string, Icon> = {
  greeting: IconVolume,
  menu: IconDialpad,
  prompt: IconNumbers,
  wait: IconHourglass,
  time: IconClock,
  branch: IconGitBranch,
  split: IconArrowsSplit2,
  caller_list: IconAddressBook,
  loop: IconRepeat,
  dial: IconPhoneCall,
  http: IconWorld,
  callout: IconCloudQuestion,
  query: IconDatabase,
  sms: IconMessage,
  set: IconVariable,
  tag: IconTag,
  goto: IconCornerDownRight,
  subflow: IconRoute,
  hangup: IconPhoneOff,
};

/** The picture of a kind of step. */
export function kindIcon(type: string): Icon {
  return ICONS[type] ?? IconQuestionMark;
}

/** A colour of the theme for each group of kinds. */
export const GROUP_COLORS: Record<Group, string> = {
  Talk: "blue",
  Decide: "orange",
  Ring: "teal",
  "Look up": "grape",
  "Go on": "gray",
};
