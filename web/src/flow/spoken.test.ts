import { expect, it } from "vitest";
import { spokenText } from "./spoken";

it.each([
  ["Hello {{call.fromName}}.", "Hello from name."],
  ['You wait {{ queue_size | default: "a few" }} minutes.', "You wait a few minutes."],
  ['{{x | last4 | default: ""}}!', "!"],
  ["{{account_number | say_digits}}", "account number"],
  ["No {{ variable", "No {{ variable"],
])("%s is heard as %s", (text, heard) => {
  expect(spokenText(text)).toBe(heard);
});
