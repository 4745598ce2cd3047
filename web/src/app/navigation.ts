import {
  IconActivity,
  IconChartBar,
  IconHistory,
  IconPhoneCall,
  IconPhoneX,
  IconRoute,
  IconServer,
} from "@tabler/icons-react";
import type { ComponentType } from "react";

export type PageLink = {
  path: string;
  label: string;
  icon: ComponentType<{ size?: number; stroke?: number; "aria-hidden"?: boolean }>;
  /** The permission without which the page would show nothing. */
  needs: string;
};

/** All pages, in the order in which the navigation shows them. */
export const sections: { label: string; pages: PageLink[] }[] = [
  {
    label: "Call routing",
    pages: [{ path: "/flows", label: "Call flows", icon: IconRoute, needs: "setup.read" }],
  },
  {
    label: "Calls",
    pages: [
      { path: "/calls", label: "Live calls", icon: IconPhoneCall, needs: "calls.read" },
      { path: "/records", label: "Call records", icon: IconHistory, needs: "calls.read" },
      { path: "/abandoned", label: "Abandoned calls", icon: IconPhoneX, needs: "calls.read" },
      { path: "/reports", label: "Reports", icon: IconChartBar, needs: "calls.read" },
    ],
  },
  {
    label: "Running it",
    pages: [
      { path: "/outbox", label: "Tasks to deliver", icon: IconActivity, needs: "calls.read" },
      { path: "/system", label: "System", icon: IconServer, needs: "calls.read" },
    ],
  },
];
