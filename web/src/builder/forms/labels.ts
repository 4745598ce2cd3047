// What fields are called. A name that is not here is put into words by itself.

const LABELS: Record<string, string> = {
  audio: "What is played",
  prompt: "Question",
  retryPrompt: "When asked again",
  noInputPrompt: "When nothing was pressed",
  invalidPrompt: "When it was wrong",
  failPrompt: "Before giving up",
  options: "Keys",
  saveAs: "Keep as variable",
  timeoutSec: "Wait for the first key (seconds)",
  interDigitSec: "Wait between keys (seconds)",
  maxNoInput: "Tries with nothing pressed",
  maxInvalid: "Tries with a wrong key",
  bargeIn: "A key ends what is played",
  typeAhead: "Keys pressed early count",
  awaitFinish: "Wait until it is over",
  gapMs: "Pause between (milliseconds)",
  value: "Value",
  branches: "Ways",
  listId: "Caller list",
  scheduleId: "Schedule",
  weekly: "Hours",
  useHolidays: "Closed on holidays",
  onMissing: "If the schedule cannot be read",
  target: "Who is rung",
  ringSec: "Ring for (seconds)",
  totalSec: "Ring altogether (seconds)",
  callerId: "Number shown",
  ringback: "The caller hears",
  whisper: "Said to the agent first",
  screen: "Agent accepts by a key",
  screenSec: "Wait for that key (seconds)",
  maxTalkSec: "Longest conversation (seconds)",
  onBusy: "Agents in a conversation",
  afterAnswered: "After the conversation",
  waitAudio: "Played while waiting",
  soql: "SOQL",
  stepId: "Step",
  flowId: "Call flow",
  params: "Variables it begins with",
  returnVars: "Variables taken over",
  itemName: "Name of the item",
  sipReason: "Reason told to the caller's side",
  outcome: "Outcome in the call record",
  url: "Address",
  json: "JSON",
  signWith: "Sign with the secret",
  by: "Shared by",
  list: "List",
  variables: "Variables",
  to: "To",
  from: "From",
  amd: "Answering machine detection",
  timeZone: "Time zone",
  assignAbandonedTo: "Abandoned calls go to",
  appendFinalStep: "Task ends with the caller's last step",
  abandonedSubject: "Subject of the abandoned-call task",
  abandonedComments: "Comments of that task",
  shortAbandonSec: "Short abandon (seconds)",
  maxCallSec: "Longest call (seconds)",
  maxStepsBetweenInput: "Steps without waiting, at most",
  maxSubflowDepth: "Flows within flows, at most",
  fallback: "Fallback",
  answer: "The call is answered",
};

const WORDS: Record<string, string> = {
  simultaneous: "All at once",
  sequential: "One after the other",
  inherit: "As elsewhere set",
  press_any: "Any key",
  press_1: "Key 1",
  off: "Off",
  on: "On",
  skip: "Left out",
  ring: "Rung all the same",
  end: "The call is over",
  continue: "Goes on by the port “After the call”",
  open: "Open",
  closed: "Closed",
  caller: "The same way for a caller each time",
  random: "Drawn for each call",
  readback: "Read back, confirmed by 1",
  none: "None",
  equals: "is",
  starts_with: "begins with",
  contains: "contains",
  regex: "fits the expression",
  lt: "less than",
  lte: "at most",
  gt: "more than",
  gte: "at least",
  between: "between",
  blank: "is empty",
  on_first_media: "When something is played",
  immediate: "At once",
  call: "Comes back afterwards",
  jump: "Stays in that flow",
  user: "One agent",
  users: "Several agents",
  number: "A telephone number",
  sip: "A SIP address",
  active: "Active",
  paused: "Paused",
  always: "Always",
  never: "Never",
};

/** A field's name for people. */
export function fieldLabel(name: string): string {
  const known = LABELS[name];
  if (known !== undefined) {
    return known;
  }
  const spaced = name
    .replace(/Sec$/, " (seconds)")
    .replace(/Ms$/, " (milliseconds)")
    .replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** A word of an enumeration for people. */
export function wordLabel(word: string): string {
  return WORDS[word] ?? word;
}
