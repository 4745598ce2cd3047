// The custom object of the package that call logs are written to. Its fields are derived from their labels by
// the naming rule, for the labels are what is published of them.
import { customName, field, systemFields } from "./fields.mjs";

const PREFIX = "ringdna";

const labelled = (label, type, options = {}) => field(customName(label, PREFIX), type, { label, ...options });

const lookup = (label) =>
  labelled(label, "reference", {
    to: [label],
    relationship: customName(label, PREFIX).replace(/__c$/, "__r"),
  });

export function conversationObject() {
  return {
    name: "ringdna__Conversation__c",
    label: "Conversation",
    prefix: "a0C",
    custom: true,
    autoNumber: { field: "Name", text: "CONV-", pad: 6 },
    fields: [
      ...systemFields(),
      field("Name", "string", { length: 80, createable: false, nillable: false, label: "Conversation Name" }),
      field("OwnerId", "reference", {
        label: "Owner ID",
        to: ["Group", "User"],
        relationship: "Owner",
        nillable: false,
      }),
      labelled("Call Connected", "boolean"),
      labelled("Call Object Identifier", "string", { indexed: true }),
      labelled("Call Status", "string"),
      labelled("Call Direction", "string"),
      labelled("Disposition", "string"),
      labelled("Duration Minutes", "double"),
      labelled("Duration Seconds", "double"),
      labelled("Ended by Agent", "boolean"),
      labelled("From Number", "phone"),
      labelled("To Number", "phone"),
      labelled("Start Time", "datetime"),
      labelled("Wrap up Time", "double"),
      labelled("Abandoned Call", "boolean"),
      labelled("Call Flow", "string"),
      labelled("Queue", "string"),
      labelled("Queue Hold Time", "double"),
      labelled("Total Queue Hold Time", "double"),
      labelled("Voicemail", "boolean"),
      lookup("Lead"),
      lookup("Contact"),
      lookup("Account"),
      lookup("Opportunity"),
      // Nothing can look up to a Task in Salesforce, so its id is kept as text.
      labelled("Task Id", "string", { length: 18, indexed: true }),
    ],
  };
}
