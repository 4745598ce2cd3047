// Inputs that several forms have.

import {
  Autocomplete,
  type AutocompleteProps,
  Select,
  type SelectProps,
  Textarea,
  type TextareaProps,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask } from "../api/client";
import { allOf, listDocuments } from "../api/documents";

const zones = Intl.supportedValuesOf("timeZone").concat("UTC");

type TextFieldProps = { value: string; onChange: (value: string) => void };

/** An IANA time zone, found by typing a part of its name. */
export function TimeZoneField(
  props: TextFieldProps & Omit<AutocompleteProps, "data" | "onChange" | "value">,
) {
  return <Autocomplete label="Time zone" placeholder="Europe/London" limit={30} data={zones} {...props} />;
}

const languages = ["en-US", "en-GB", "de-DE", "es-ES", "fr-FR", "it-IT", "nl-NL", "pl-PL", "pt-BR"];

/** A language by its BCP 47 tag; others than those offered may be typed. */
export function LanguageField(
  props: TextFieldProps & Omit<AutocompleteProps, "data" | "onChange" | "value">,
) {
  return <Autocomplete label="Language" placeholder="en-US" data={languages} {...props} />;
}

type ReferenceKind = "flows" | "agents" | "lists" | "schedules";

type ReferenceProps = {
  kind: ReferenceKind;
  value: string | null | undefined;
  onChange: (id: string | null) => void;
} & Omit<SelectProps, "data" | "value" | "onChange">;

/** Another object, chosen by its name. One that is not there any more stays to be seen. */
export function ReferenceField({ kind, value, onChange, ...props }: ReferenceProps) {
  const options = useReferences(kind);
  const known = options.data ?? [];
  const isMissing = value && options.data && !known.some((option) => option.value === value);
  const data = isMissing ? [...known, { value, label: `${value} (not there)` }] : known;
  return (
    <Select
      searchable
      clearable
      nothingFoundMessage="Nothing is called that"
      {...props}
      data={data}
      value={value || null}
      onChange={onChange}
      {...(options.error && { error: options.error.message })}
    />
  );
}

/** All objects of a kind, as options. */
export function useReferences(kind: ReferenceKind) {
  return useQuery({
    queryKey: [kind, "references"],
    queryFn: async () => {
      const { items } = await allOf<{ id: string; name: string }>((cursor) => referencePage(kind, cursor));
      return items.map(({ id, name }) => ({
        value: id,
        label: name && name !== id ? `${name} (${id})` : id,
      }));
    },
  });
}

function referencePage(kind: ReferenceKind, cursor: string | undefined) {
  if (kind === "flows") {
    return ask(api.GET("/flows", { params: { query: { limit: 200, ...(cursor && { cursor }) } } }));
  }
  return listDocuments(kind, { cursor, limit: 200 });
}

type LinesProps = {
  value: string[] | null | undefined;
  onChange: (lines: string[]) => void;
} & Omit<TextareaProps, "value" | "onChange">;

/** A list of texts, one a line. */
export function LinesField({ value, onChange, ...props }: LinesProps) {
  // What is typed, with its empty lines: they are left out of the value only.
  const [text, setText] = useState((value ?? []).join("\n"));
  return (
    <Textarea
      autosize
      minRows={3}
      maxRows={16}
      {...props}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        onChange(linesOf(event.currentTarget.value));
      }}
    />
  );
}

/** The lines of a text that say something. */
export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
