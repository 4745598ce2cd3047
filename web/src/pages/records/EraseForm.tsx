import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { confirmationOf } from "./erasure";

type EraseFormProps = {
  /** What the field begins with. */
  number: string;
  onErase: (number: string) => void;
  isErasing: boolean;
  error: Error | null;
  onClose: () => void;
};

/** Who is to be erased, and what that means. */
export function EraseForm({ number: first, onErase, isErasing, error, onClose }: EraseFormProps) {
  const [number, setNumber] = useState(first);
  const [typed, setTyped] = useState("");
  const wanted = confirmationOf(number);
  const isConfirmed = wanted.text !== "" && typed.trim() === wanted.text;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isConfirmed) {
      onErase(number.trim());
    }
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <Meaning />
        <TextInput
          label="Number of the caller"
          description="With + and country code it is found in all its spellings; another one, or a name, as it stands."
          placeholder="+14155550123"
          required
          data-autofocus={first === "" || undefined}
          autoComplete="off"
          maxLength={64}
          value={number}
          onChange={(event) => setNumber(event.currentTarget.value)}
        />
        <TextInput
          label={wanted.kind === "digits" || number === "" ? "Its last four digits" : "The same once more"}
          description="Type them, so that nobody is erased by a slip."
          required
          data-autofocus={first !== "" || undefined}
          autoComplete="off"
          maxLength={64}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        {error && <ProblemAlert error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} disabled={isErasing}>
            Keep the caller
          </Button>
          <Button type="submit" color="red.9" loading={isErasing} disabled={!isConfirmed}>
            Erase the caller
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

const MEANING: [what: string, text: string][] = [
  [
    "Goes",
    "number and address, typed keys, variables, tags, texts of tasks, numbers that were dialled: from call records, and from " +
      "the outbox, where what was not sent yet is not sent any more.",
  ],
  [
    "Stays",
    "the calls, as those of an unknown caller: times, Smart Number, call flow and path, outcome, agent, figures of the audio. " +
      "Counts and reports stay true.",
  ],
  [
    "Later",
    "a record of an earlier call that is still on its way is erased as it comes in. Calls that begin from now on are kept whole.",
  ],
];

function Meaning() {
  return (
    <>
      <Text size="sm">
        For somebody who asks that what is kept of their calls is erased. It cannot be taken back. The audit
        log says who did it, with the last four digits.
      </Text>
      <Stack gap="xs">
        {MEANING.map(([what, text]) => (
          <Text key={what} size="sm">
            <Text span size="sm" fw={600}>
              {what}:
            </Text>{" "}
            {text}
          </Text>
        ))}
      </Stack>
    </>
  );
}
