// Where the console shows an object that another one names.

type Place = { word: string; many: string; path: (id: string) => string };

const opened = (page: string) => (id: string) => `${page}?edit=${encodeURIComponent(id)}`;

/** By the kind as the API names it in findings, pointers and the audit log. */
export const places: Record<string, Place> = {
  number: { word: "Smart Number", many: "Smart Numbers", path: opened("/numbers") },
  flow: { word: "Call flow", many: "Call flows", path: (id) => `/flows/${encodeURIComponent(id)}` },
  agent: { word: "Agent", many: "Agents", path: opened("/agents") },
  trunk: { word: "Trunk", many: "Trunks", path: opened("/trunks") },
  list: { word: "Caller list", many: "Caller lists", path: opened("/lists") },
  schedule: { word: "Schedule", many: "Schedules", path: opened("/schedules") },
  prompt: { word: "Prompt", many: "Prompts", path: opened("/prompts") },
  account: { word: "Account", many: "Account", path: () => "/account" },
  user: { word: "User", many: "Users", path: opened("/users") },
};

/** What people call a kind. */
export function wordOf(kind: string): string {
  return places[kind]?.word ?? kind.replaceAll("_", " ");
}

/** The page of an object; none where the console has no page for its kind. */
export function pathOf(kind: string, id: string): string | null {
  const place = places[kind];
  if (!place || (id === "" && kind !== "account")) {
    return null;
  }
  return place.path(id);
}
