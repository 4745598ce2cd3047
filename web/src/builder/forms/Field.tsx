// A field by its JSON Schema. What needs more than the schema says has a field of its own.

import { JsonInput, NumberInput, Select, Switch, TagsInput, TextInput } from "@mantine/core";
import type { FieldSchema } from "../../flow/catalogue";
import { isObject, type Json, type JsonObject, textOf } from "../../flow/document";
import { AudioField } from "./AudioField";
import { useFieldError, useForm } from "./context";
import { fieldLabel, wordLabel } from "./labels";
import { ObjectList } from "./ObjectList";
import { Pairs } from "./Pairs";
import { TemplateInput } from "./TemplateInput";

export type FieldProps = {
  name: string;
  schema: FieldSchema;
  /** As in `config/audio`. */
  path: string;
  value: Json | undefined;
  /** `undefined` takes the field away, so that its default holds. */
  onChange: (value: Json | undefined) => void;
  required: boolean;
};

/** What is not text: whatever a schema asks for, drawn as plainly as it can be. */
export function Field(props: FieldProps) {
  const { name, schema, path, value, onChange, required } = props;
  const label = fieldLabel(name);
  if (schema.$ref === "#/$defs/audio") {
    return (
      <AudioField
        label={label}
        description={schema.description}
        path={path}
        value={value}
        onChange={onChange}
        required={required}
      />
    );
  }
  if (schema.enum !== undefined) {
    return <Choose {...props} label={label} />;
  }
  switch (schemaType(schema)) {
    case "boolean":
      return <Toggle {...props} label={label} />;
    case "integer":
    case "number":
      return <NumberField {...props} label={label} />;
    case "template":
      return <TemplateField {...props} label={label} />;
    case "object":
      return isObject(schema.additionalProperties) ? (
        <Pairs {...props} label={label} />
      ) : (
        <JsonField {...props} label={label} />
      );
    case "array":
      return schema.items?.properties ? (
        <ObjectList {...props} label={label} />
      ) : (
        <Texts {...props} label={label} />
      );
    case "string":
      return <TextField {...props} label={label} />;
    default:
      return <JsonField {...props} label={label} />;
  }
}

type Labelled = FieldProps & { label: string };

function schemaType(schema: FieldSchema): string {
  const { type } = schema;
  if (Array.isArray(type)) {
    const isText = type.includes("string") && type.every((word) => word === "string" || word === "number");
    return isText ? "template" : type.includes("string") && type.includes("null") ? "string" : "json";
  }
  return type ?? "json";
}

function useShared({ label, schema, path, required }: Labelled) {
  const { readOnly } = useForm();
  const error = useFieldError(path);
  return { label, description: schema.description, error, readOnly, required, "data-field": path };
}

function Choose(props: Labelled) {
  const shared = useShared(props);
  const { schema, value, onChange } = props;
  const words = (schema.enum ?? []).filter((word) => typeof word === "string");
  return (
    <Select
      {...shared}
      data={words.map((word) => ({ value: word, label: wordLabel(word) }))}
      value={textOf(value) || textOf(schema.default) || null}
      allowDeselect={false}
      onChange={(next) => onChange(next === null || next === schema.default ? undefined : next)}
    />
  );
}

function Toggle(props: Labelled) {
  const { label, description, error, readOnly, ...rest } = useShared(props);
  const { schema, value, onChange } = props;
  const isOn = typeof value === "boolean" ? value : schema.default === true;
  return (
    <Switch
      data-field={rest["data-field"]}
      label={label}
      description={description}
      error={error}
      disabled={readOnly}
      checked={isOn}
      onChange={(event) => {
        const next = event.currentTarget.checked;
        onChange(next === schema.default ? undefined : next);
      }}
    />
  );
}

function NumberField(props: Labelled) {
  const shared = useShared(props);
  const { schema, value, onChange } = props;
  return (
    <NumberInput
      {...shared}
      value={typeof value === "number" || typeof value === "string" ? value : ""}
      placeholder={textOf(schema.default)}
      {...(schema.minimum !== undefined && { min: schema.minimum })}
      {...(schema.maximum !== undefined && { max: schema.maximum })}
      clampBehavior="none"
      allowDecimal={schema.type === "number"}
      onChange={(next) => onChange(next === "" ? undefined : next)}
    />
  );
}

/** Fields whose texts are long. */
const LONG = new Set(["soql", "body", "abandonedComments", "taskComments"]);

function TemplateField(props: Labelled) {
  const { label, description, error, required } = useShared(props);
  const { name, schema, value, onChange } = props;
  return (
    <div data-field={props.path}>
      <TemplateInput
        label={label}
        description={description}
        error={error}
        required={required}
        maxLength={schema.maxLength}
        rows={LONG.has(name) ? 3 : 1}
        value={textOf(value)}
        onChange={(next) => onChange(next === "" && !required ? undefined : next)}
      />
    </div>
  );
}

function TextField(props: Labelled) {
  const shared = useShared(props);
  const { schema, value, onChange, required } = props;
  return (
    <TextInput
      {...shared}
      value={textOf(value)}
      {...(schema.maxLength !== undefined && { maxLength: schema.maxLength })}
      onChange={(event) => {
        const next = event.currentTarget.value;
        onChange(next === "" && !required ? undefined : next);
      }}
    />
  );
}

function Texts(props: Labelled) {
  const shared = useShared(props);
  const { schema, value, onChange } = props;
  return (
    <TagsInput
      {...shared}
      value={Array.isArray(value) ? value.map(textOf) : []}
      {...(schema.maxItems !== undefined && { maxTags: schema.maxItems })}
      placeholder="Type, then Enter"
      splitChars={[","]}
      acceptValueOnBlur
      onChange={(next) => onChange(next.length === 0 ? undefined : next)}
    />
  );
}

function JsonField(props: Labelled) {
  const shared = useShared(props);
  const { value, onChange } = props;
  return (
    <JsonInput
      {...shared}
      key={props.path}
      defaultValue={value === undefined ? "" : JSON.stringify(value, null, 2)}
      formatOnBlur
      autosize
      minRows={3}
      validationError="This is no JSON yet."
      onChange={(text) => {
        const next = parsed(text);
        if (next !== "wrong") {
          onChange(next.value);
        }
      }}
    />
  );
}

function parsed(text: string): { value: Json | undefined } | "wrong" {
  if (text.trim() === "") {
    return { value: undefined };
  }
  try {
    return { value: JSON.parse(text) as Json };
  } catch {
    return "wrong";
  }
}

/** Sets or takes away a field of an object. */
export function withField(object: JsonObject, name: string, value: Json | undefined): JsonObject {
  if (value !== undefined) {
    return { ...object, [name]: value };
  }
  const { [name]: _, ...rest } = object;
  return rest;
}
