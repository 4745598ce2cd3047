import {
  IconAlertTriangle,
  IconBuilding,
  IconChartBar,
  IconClock,
  IconCloud,
  IconDeviceLandlinePhone,
  IconHistory,
  IconListSearch,
  IconNetwork,
  IconPhone,
  IconPhoneCall,
  IconPhoneX,
  IconRoute,
  IconSend,
  IconServer,
  IconShieldX,
  IconUserCog,
  IconUserOff,
  IconUsers,
  IconVolume,
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
    pages: [
      { path: "/flows", label: "Call flows", icon: IconRoute, needs: "setup.read" },
      { path: "/numbers", label: "Smart Numbers", icon: IconPhone, needs: "setup.read" },
      { path: "/schedules", label: "Schedules", icon: IconClock, needs: "setup.read" },
      { path: "/prompts", label: "Prompts", icon: IconVolume, needs: "setup.read" },
      { path: "/lists", label: "Caller lists", icon: IconUserOff, needs: "setup.read" },
      { path: "/findings", label: "What needs attention", icon: IconAlertTriangle, needs: "setup.read" },
    ],
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
    label: "People and carriers",
    pages: [
      { path: "/agents", label: "Agents", icon: IconUsers, needs: "setup.read" },
      { path: "/registrations", label: "Registrations", icon: IconDeviceLandlinePhone, needs: "setup.read" },
      { path: "/trunks", label: "Trunks", icon: IconNetwork, needs: "setup.read" },
      { path: "/bans", label: "Bans", icon: IconShieldX, needs: "setup.read" },
      { path: "/account", label: "Account", icon: IconBuilding, needs: "setup.read" },
    ],
  },
  {
    label: "Administration",
    pages: [
      { path: "/users", label: "Users", icon: IconUserCog, needs: "users.manage" },
      { path: "/audit", label: "Audit log", icon: IconListSearch, needs: "audit.read" },
      { path: "/crm", label: "Salesforce and CRM", icon: IconCloud, needs: "setup.read" },
      { path: "/outbox", label: "Outbox", icon: IconSend, needs: "calls.read" },
      { path: "/system", label: "System", icon: IconServer, needs: "calls.read" },
    ],
  },
];

/** The page of the navigation that an address belongs to. */
export function pageAt(pathname: string): PageLink | undefined {
  return sections
    .flatMap((section) => section.pages)
    .find(({ path }) => pathname === path || pathname.startsWith(`${path}/`));
}
