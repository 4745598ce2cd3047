// What the roles may do, in words. The server's table is in docs/api.md.

import type { Schema } from "../../api/client";

export type Role = Schema<"RoleName">;
export type Scope = Schema<"Scope">;

export const roles: Record<Role, { label: string; text: string }> = {
  admin: { label: "Administrator", text: "may do everything, also with users, trunks and the account" },
  editor: { label: "Editor", text: "changes and publishes call flows, numbers, prompts and schedules" },
  supervisor: { label: "Supervisor", text: "sees calls and hangs them up, changes schedules and agents" },
  agent: { label: "Agent", text: "may sign in, and sees nothing of the set-up" },
  viewer: { label: "Viewer", text: "sees the set-up and the calls, and changes nothing" },
};

/** The roles as the options of a select. */
export const roleOptions = Object.entries(roles).map(([value, { label }]) => ({ value, label }));

/** What a token may be allowed. */
export const scopes: Record<Scope, string> = {
  all: "All that the user may do",
  "setup.read": "See the set-up",
  "flows.edit": "Change call flows and prompts",
  "numbers.edit": "Change Smart Numbers and caller lists",
  "schedules.edit": "Change schedules",
  "agents.edit": "Change agents",
  "system.edit": "Change trunks and the account",
  simulate: "Simulate calls",
  "calls.read": "See calls and records",
  "calls.steer": "Hang up calls",
  "calls.inspect": "See SIP messages and capture packets",
  "records.erase": "Erase a caller from records",
  "audit.read": "Read the audit log",
  "users.manage": "Manage users",
};
