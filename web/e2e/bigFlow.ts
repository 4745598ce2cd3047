// A call flow with as many steps as wanted, as a large company has one: departments with a menu, greetings, hours,
// questions and agents each, wired to each other and back. It can be published: it names nothing that is not there.

type Step = {
  type: string;
  name: string;
  config: Record<string, unknown>;
  on: Record<string, string>;
  ui?: { x: number; y: number; comment?: string };
};

export type BigFlow = {
  schema: "callflow/1";
  id: string;
  name: string;
  entry: string;
  settings: Record<string, unknown>;
  steps: Record<string, Step>;
};

/** Steps of one department: see `department`. */
const DEPARTMENT = 10;

type Wanted = {
  id?: string;
  /** In all; rounded up to whole departments and the greeting in front of them. */
  steps?: number;
  /** Whether the document says where each step stands, as one that was drawn does. */
  withPlaces?: boolean;
};

/** The document. The same for the same wishes. */
export function bigFlow({ id = "big", steps = 300, withPlaces = true }: Wanted = {}): BigFlow {
  const count = Math.max(1, Math.ceil((steps - 1) / DEPARTMENT));
  const all: Record<string, Step> = {
    welcome: {
      type: "greeting",
      name: "Welcome",
      config: say("Welcome to Example."),
      on: { next: "d0_menu" },
    },
  };
  for (let n = 0; n < count; n++) {
    Object.assign(all, department(n, count));
  }
  if (withPlaces) {
    place(all);
  }
  const settings = { fallback: "d0_bye" };
  return { schema: "callflow/1", id, name: "A big flow", entry: "welcome", settings, steps: all };
}

function department(n: number, count: number): Record<string, Step> {
  const own = (name: string) => `d${n}_${name}`;
  const other = (m: number, name: string) => `d${m % count}_${name}`;
  const named = (name: string) => `${name} of department ${n}`;
  const options = Object.fromEntries(["1", "2", "3", "9"].map((key) => [key, { label: `Choice ${key}` }]));
  return {
    [own("menu")]: {
      type: "menu",
      name: named("Menu"),
      config: { prompt: text(`For choice one of department ${n}, press 1.`), options, saveAs: "choice" },
      on: {
        "key:1": own("hours"),
        "key:2": own("ask"),
        "key:3": other(n + 1, "menu"),
        "key:9": "d0_menu",
        no_input: own("again"),
        no_response: own("bye"),
      },
    },
    [own("again")]: {
      type: "greeting",
      name: named("Once more"),
      config: say("We did not hear you."),
      on: { next: own("menu") },
    },
    [own("hours")]: {
      type: "time",
      name: named("Hours"),
      config: { weekly: [{ days: ["mon", "tue", "wed", "thu", "fri"], open: "08:00", close: "18:00" }] },
      on: { open: own("hello"), closed: own("closed") },
    },
    [own("closed")]: {
      type: "greeting",
      name: named("Closed"),
      config: say("We are closed."),
      on: { next: own("bye") },
    },
    [own("hello")]: {
      type: "greeting",
      name: named("Hello"),
      config: say(`You chose {{choice}}.`),
      on: { next: own("team") },
    },
    [own("ask")]: {
      type: "prompt",
      name: named("Question"),
      config: {
        prompt: text("What is your customer number?"),
        saveAs: "customer",
        minDigits: 4,
        maxDigits: 8,
      },
      on: { next: own("branch"), no_response: own("hello") },
    },
    [own("branch")]: {
      type: "branch",
      name: named("Branch"),
      config: {
        value: "{{customer}}",
        branches: [
          { id: "gold", name: "Gold", op: "starts_with", values: ["1"] },
          { id: "silver", name: "Silver", op: "starts_with", values: ["2"] },
        ],
      },
      on: {
        "b:gold": own("team"),
        "b:silver": own("note"),
        any: other(n + 3, "hours"),
        no_response: own("bye"),
      },
    },
    [own("note")]: {
      type: "set",
      name: named("Note"),
      config: { variables: [{ name: "kind", value: "silver {{customer}}" }] },
      on: { next: own("team") },
    },
    [own("team")]: {
      type: "dial",
      name: named("Team"),
      config: { target: { kind: "sip", value: "sip:team@127.0.0.1:59999" } },
      on: { no_response: own("bye") },
    },
    [own("bye")]: { type: "hangup", name: named("Goodbye"), config: { audio: text("Goodbye.") }, on: {} },
  };
}

/** A department a row, its steps side by side in two lines. */
function place(steps: Record<string, Step>) {
  Object.values(steps).forEach((step, i) => {
    const row = Math.floor((i - 1) / DEPARTMENT);
    const column = (i - 1) % DEPARTMENT;
    step.ui =
      i === 0 ? { x: -320, y: 0 } : { x: Math.floor(column / 2) * 330, y: row * 760 + (column % 2) * 370 };
  });
}

function text(words: string) {
  return { kind: "tts", text: words };
}

function say(words: string) {
  return { audio: text(words) };
}
