// What a loop goes through.

import { Select, Stack, TagsInput } from "@mantine/core";
import { textOf } from "../../flow/document";
import { useFieldError, useForm } from "./context";
import type { SpecialProps } from "./specialProps";
import { TemplateInput } from "./TemplateInput";

export function LoopList({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly } = useForm();
  const error = useFieldError(path);
  const isList = Array.isArray(value);
  return (
    <Stack gap="xs" data-field={path}>
      <Select
        label="List"
        description={schema.description}
        readOnly={readOnly}
        data={[
          { value: "text", label: "A variable, or a text with | between" },
          { value: "list", label: "Written here" },
        ]}
        value={isList ? "list" : "text"}
        allowDeselect={false}
        onChange={(next) => onChange(next === "list" ? [] : "")}
      />
      {isList ? (
        <TagsInput
          label="Items"
          placeholder="Type, then Enter"
          value={value.map(textOf)}
          error={error}
          readOnly={readOnly}
          acceptValueOnBlur
          onChange={(next) => onChange(next)}
        />
      ) : (
        <TemplateInput
          label="Text"
          placeholder="{{agents}} or alice|bob"
          value={textOf(value)}
          error={error}
          onChange={onChange}
        />
      )}
    </Stack>
  );
}
