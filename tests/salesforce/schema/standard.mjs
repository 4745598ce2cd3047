// The standard objects, with the fields that a telephony client reads or writes.
import { field, systemFields } from "./fields.mjs";

const owner = (options = {}) =>
  field("OwnerId", "reference", {
    label: "Owner ID",
    to: ["User"],
    relationship: "Owner",
    nillable: false,
    ...options,
  });

/** A person's name in parts, and the whole that Salesforce puts together from them. */
const personName = () => [
  field("Name", "string", { length: 121, createable: false, nillable: false, label: "Full Name" }),
  field("FirstName", "string", { length: 40 }),
  field("LastName", "string", { length: 80, required: true }),
  field("Salutation", "picklist", { length: 40, values: ["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."] }),
];

const account = (label = "Account ID") =>
  field("AccountId", "reference", { label, to: ["Account"], relationship: "Account" });

const standardObjects = () => [
  {
    name: "User",
    prefix: "005",
    label: "User",
    personName: false,
    fields: [
      field("Username", "string", { length: 80, required: true, idLookup: true, indexed: true }),
      field("Name", "string", { length: 121, createable: false, nillable: false, label: "Full Name" }),
      field("FirstName", "string", { length: 40 }),
      field("LastName", "string", { length: 80 }),
      field("Email", "email", { length: 128, indexed: true }),
      field("Alias", "string", { length: 8 }),
      field("Title", "string", { length: 80 }),
      field("Phone", "phone"),
      field("MobilePhone", "phone"),
      field("Extension", "phone"),
      field("TimeZoneSidKey", "picklist", { length: 40 }),
      field("IsActive", "boolean", { defaultValue: true }),
      field("UserType", "picklist", { createable: false }),
    ],
  },
  {
    name: "Lead",
    prefix: "00Q",
    label: "Lead",
    personName: true,
    fields: [
      ...personName(),
      owner({ to: ["Group", "User"] }),
      field("Company", "string", { required: true }),
      field("Title", "string", { length: 128 }),
      field("Phone", "phone"),
      field("MobilePhone", "phone"),
      field("Email", "email", { indexed: true }),
      field("City", "string", { length: 40 }),
      field("State", "string", { length: 80 }),
      field("PostalCode", "string", { length: 20 }),
      field("Country", "string", { length: 80 }),
      field("LeadSource", "picklist", {
        values: ["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"],
      }),
      field("Status", "picklist", {
        defaultValue: "Open - Not Contacted",
        nillable: false,
        values: [
          "Open - Not Contacted",
          "Working - Contacted",
          "Closed - Converted",
          "Closed - Not Converted",
        ],
      }),
      field("Rating", "picklist", { values: ["Hot", "Warm", "Cold"] }),
      field("Description", "textarea", { length: 32000 }),
      field("DoNotCall", "boolean"),
      field("IsConverted", "boolean", { createable: false }),
      field("ConvertedAccountId", "reference", {
        createable: false,
        to: ["Account"],
        relationship: "ConvertedAccount",
      }),
      field("ConvertedContactId", "reference", {
        createable: false,
        to: ["Contact"],
        relationship: "ConvertedContact",
      }),
      field("ConvertedOpportunityId", "reference", {
        createable: false,
        to: ["Opportunity"],
        relationship: "ConvertedOpportunity",
      }),
    ],
  },
  {
    name: "Contact",
    prefix: "003",
    label: "Contact",
    personName: true,
    fields: [
      ...personName(),
      owner(),
      account(),
      field("Title", "string", { length: 128 }),
      field("Department", "string", { length: 80 }),
      field("Phone", "phone"),
      field("MobilePhone", "phone"),
      field("HomePhone", "phone"),
      field("OtherPhone", "phone"),
      field("AssistantPhone", "phone"),
      field("Email", "email", { indexed: true }),
      field("MailingCity", "string", { length: 40 }),
      field("MailingState", "string", { length: 80 }),
      field("MailingCountry", "string", { length: 80 }),
      field("LeadSource", "picklist", {
        values: ["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"],
      }),
      field("Description", "textarea", { length: 32000 }),
      field("DoNotCall", "boolean"),
    ],
  },
  {
    name: "Account",
    prefix: "001",
    label: "Account",
    fields: [
      field("Name", "string", { required: true, label: "Account Name", indexed: true }),
      owner(),
      field("Type", "picklist", { values: ["Prospect", "Customer - Direct", "Customer - Channel", "Other"] }),
      field("Industry", "picklist", { values: ["Banking", "Healthcare", "Retail", "Technology", "Other"] }),
      field("Phone", "phone"),
      field("Fax", "phone"),
      field("Website", "url"),
      field("AccountNumber", "string", { length: 40 }),
      field("BillingCity", "string", { length: 40 }),
      field("BillingState", "string", { length: 80 }),
      field("BillingCountry", "string", { length: 80 }),
      field("NumberOfEmployees", "int"),
      field("AnnualRevenue", "currency"),
      field("Description", "textarea", { length: 32000 }),
    ],
  },
  {
    name: "Opportunity",
    prefix: "006",
    label: "Opportunity",
    fields: [
      field("Name", "string", { length: 120, required: true }),
      owner(),
      account(),
      field("StageName", "picklist", {
        required: true,
        values: [
          "Prospecting",
          "Qualification",
          "Proposal/Price Quote",
          "Negotiation/Review",
          "Closed Won",
          "Closed Lost",
        ],
      }),
      field("CloseDate", "date", { required: true }),
      field("Amount", "currency"),
      field("Probability", "percent"),
      field("IsClosed", "boolean", { createable: false }),
      field("IsWon", "boolean", { createable: false }),
      field("CampaignId", "reference", { to: ["Campaign"], relationship: "Campaign" }),
      field("Description", "textarea", { length: 32000 }),
    ],
  },
  {
    name: "Campaign",
    prefix: "701",
    label: "Campaign",
    fields: [
      field("Name", "string", { length: 80, required: true }),
      owner(),
      field("Type", "picklist", { values: ["Conference", "Webinar", "Email", "Telemarketing", "Other"] }),
      field("Status", "picklist", {
        values: ["Planned", "In Progress", "Completed", "Aborted"],
        defaultValue: "Planned",
      }),
      field("StartDate", "date"),
      field("EndDate", "date"),
      field("IsActive", "boolean"),
      field("Description", "textarea", { length: 32000 }),
    ],
  },
  {
    name: "Case",
    prefix: "500",
    label: "Case",
    autoNumber: { field: "CaseNumber", pad: 8 },
    fields: [
      field("CaseNumber", "string", { length: 30, createable: false, nillable: false, indexed: true }),
      owner({ to: ["Group", "User"] }),
      field("ContactId", "reference", { to: ["Contact"], relationship: "Contact" }),
      account(),
      field("Subject", "string"),
      field("Description", "textarea", { length: 32000 }),
      field("Status", "picklist", { values: ["New", "Working", "Escalated", "Closed"], defaultValue: "New" }),
      field("Priority", "picklist", { values: ["High", "Medium", "Low"], defaultValue: "Medium" }),
      field("Origin", "picklist", { values: ["Phone", "Email", "Web"] }),
      field("SuppliedPhone", "phone"),
      field("IsClosed", "boolean", { createable: false }),
    ],
  },
  task(),
];

function task() {
  return {
    name: "Task",
    prefix: "00T",
    label: "Task",
    fields: [
      field("Subject", "combobox", { values: ["Call", "Email", "Send Letter", "Send Quote", "Other"] }),
      field("Description", "textarea", { length: 32000, label: "Comments" }),
      owner({ label: "Assigned To ID", to: ["Group", "User"] }),
      field("WhoId", "reference", { label: "Name ID", to: ["Contact", "Lead"], relationship: "Who" }),
      field("WhatId", "reference", {
        label: "Related To ID",
        relationship: "What",
        to: ["Account", "Campaign", "Case", "Opportunity", "*custom"],
      }),
      field("AccountId", "reference", { createable: false, to: ["Account"], relationship: "Account" }),
      field("Status", "picklist", {
        nillable: false,
        defaultValue: "Not Started",
        values: ["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"],
      }),
      field("Priority", "picklist", {
        nillable: false,
        defaultValue: "Normal",
        values: ["High", "Normal", "Low"],
      }),
      field("IsClosed", "boolean", { createable: false }),
      field("IsHighPriority", "boolean", { createable: false }),
      field("ActivityDate", "date", { label: "Due Date Only" }),
      field("CallDurationInSeconds", "int", { label: "Call Duration" }),
      field("CallType", "picklist", {
        length: 40,
        restricted: true,
        values: ["Internal", "Inbound", "Outbound"],
      }),
      field("CallDisposition", "string", { label: "Call Result" }),
      field("CallObject", "string", { label: "Call Object Identifier", indexed: true }),
      field("TaskSubtype", "picklist", {
        length: 40,
        restricted: true,
        updateable: false,
        defaultValue: "Task",
        values: ["Task", "Email", "ListEmail", "Cadence", "Call", "LinkedIn"],
      }),
      field("CompletedDateTime", "datetime", { createable: false }),
    ],
  };
}

/** Every standard object has the system's fields first. */
export function allStandardObjects() {
  return standardObjects().map((object) => ({ ...object, fields: [...systemFields(), ...object.fields] }));
}
