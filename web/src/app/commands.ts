// What the command palette offers: pages and actions by what is typed, and objects as the server finds them.

import { api, ask } from "../api/client";
import { listDocuments } from "../api/documents";
import { pathOf, wordOf } from "../ui/places";
import { sections } from "./navigation";

export type Command = {
  key: string;
  label: string;
  /** What it is, or what stands behind it. */
  hint?: string;
  /** Where it leads; an action has `run` instead. */
  path?: string;
  run?: () => void;
};

export type CommandGroup = { label: string; commands: Command[] };

type May = (permission: string) => boolean;

/** Things that are begun from anywhere. */
const ACTIONS: { label: string; path: string; needs: string }[] = [
  { label: "New call flow", path: "/flows?new", needs: "flows.edit" },
  { label: "Add a Smart Number", path: "/numbers?new", needs: "numbers.edit" },
  { label: "Add an agent", path: "/agents?new", needs: "agents.edit" },
  { label: "Add a trunk", path: "/trunks?new", needs: "system.edit" },
  { label: "Add a schedule", path: "/schedules?new", needs: "schedules.edit" },
  { label: "Your sign-in and tokens", path: "/profile", needs: "" },
];

/** Whether each word that was typed stands in the text, in whatever order. */
export function fits(text: string, typed: string): boolean {
  const words = typed.trim().toLowerCase().split(/\s+/);
  return words.every((word) => text.toLowerCase().includes(word));
}

/** Pages that the role sees. */
export function pageCommands(may: May, typed: string): Command[] {
  return sections
    .flatMap(({ label, pages }) => pages.map((page) => ({ ...page, section: label })))
    .filter((page) => may(page.needs) && fits(`${page.label} ${page.section}`, typed))
    .map(({ path, label, section }) => ({ key: path, label, hint: section, path }));
}

export function actionCommands(may: May, typed: string): Command[] {
  return ACTIONS.filter(({ label, needs }) => (needs === "" || may(needs)) && fits(label, typed)).map(
    ({ label, path }) => ({ key: `action ${path}`, label, path }),
  );
}

/** Objects of each kind; who knows more of the name types more of it. */
const FOUND_MAX = 6;

/** Objects whose name or id has the text. */
export async function findObjects(typed: string): Promise<CommandGroup[]> {
  const text = typed.trim();
  const query = { text, limit: FOUND_MAX };
  const [flows, numbers, agents, schedules] = await Promise.all([
    ask(api.GET("/flows", { params: { query } })),
    listDocuments("numbers", query),
    listDocuments("agents", query),
    listDocuments("schedules", query),
  ]);
  const command = (kind: string, id: string, name: string): Command => ({
    key: `${kind} ${id}`,
    label: name || id,
    hint: name && name !== id ? `${wordOf(kind)} ${id}` : wordOf(kind),
    path: pathOf(kind, id) ?? "/",
  });
  const groups = [
    { label: "Call flows", commands: flows.items.map(({ id, name }) => command("flow", id, name)) },
    {
      label: "Smart Numbers",
      commands: numbers.items.map(({ id, document }) => ({
        ...command("number", id, id),
        hint: document?.label ?? "",
      })),
    },
    { label: "Agents", commands: agents.items.map(({ id, name }) => command("agent", id, name ?? "")) },
    {
      label: "Schedules",
      commands: schedules.items.map(({ id, name }) => command("schedule", id, name ?? "")),
    },
  ];
  return groups.filter(({ commands }) => commands.length > 0);
}
