// The ways of a branch and of a split.

import { NumberInput, Select, TagsInput, TextInput } from "@mantine/core";
import { type JsonObject, textOf } from "../../flow/document";
import { useForm } from "./context";
import { withField } from "./Field";
import { FieldError } from "./FieldError";
import { wordLabel } from "./labels";
import { Items, objectsOf } from "./ObjectList";
import type { SpecialProps } from "./specialProps";

const OPERATIONS = [
  "equals",
  "starts_with",
  "contains",
  "regex",
  "lt",
  "lte",
  "gt",
  "gte",
  "between",
  "blank",
];

export function BranchWays({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly } = useForm();
  const ways = objectsOf(value);
  return (
    <Items
      label="Ways"
      description={schema.description}
      path={path}
      items={ways}
      max={50}
      fresh={() => ({ id: freeWay(ways), name: "", values: [] })}
      onChange={onChange}
      render={(way, i, set) => (
        <>
          <WayName way={way} onChange={set} />
          <Select
            label="The value"
            data={OPERATIONS.map((word) => ({ value: word, label: wordLabel(word) }))}
            value={textOf(way.op) || "equals"}
            readOnly={readOnly}
            allowDeselect={false}
            onChange={(op) => set(withField(way, "op", op === "equals" || op === null ? undefined : op))}
          />
          {way.op !== "blank" && (
            <TagsInput
              label={way.op === "between" ? "Lowest and highest" : "One of these"}
              placeholder="Type, then Enter"
              value={Array.isArray(way.values) ? way.values.map(textOf) : []}
              splitChars={[","]}
              acceptValueOnBlur
              readOnly={readOnly}
              error={<FieldError path={`${path}/${i}/values`} />}
              onChange={(values) => set({ ...way, values })}
            />
          )}
        </>
      )}
    />
  );
}

export function SplitWays({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly } = useForm();
  const ways = objectsOf(value);
  const sum = ways.reduce((total, way) => total + (Number(way.weight) || 0), 0);
  return (
    <Items
      label="Ways"
      description={`${schema.description ?? ""} Now: ${sum}.`}
      path={path}
      items={ways}
      max={50}
      fresh={() => ({ id: freeWay(ways), name: "", weight: Math.max(0, 100 - sum) })}
      onChange={onChange}
      render={(way, _, set) => (
        <>
          <WayName way={way} onChange={set} />
          <NumberInput
            label="Of a hundred callers"
            min={0}
            max={100}
            value={typeof way.weight === "number" ? way.weight : ""}
            readOnly={readOnly}
            onChange={(weight) => set({ ...way, weight: weight === "" ? 0 : weight })}
          />
        </>
      )}
    />
  );
}

/** A way out is called by people as they like; its port never changes. */
function WayName({ way, onChange }: { way: JsonObject; onChange: (way: JsonObject) => void }) {
  const { readOnly } = useForm();
  return (
    <TextInput
      label="Name"
      maxLength={60}
      value={textOf(way.name)}
      readOnly={readOnly}
      description={`Port b:${textOf(way.id)}`}
      onChange={(event) => onChange({ ...way, name: event.currentTarget.value })}
    />
  );
}

function freeWay(ways: JsonObject[]): string {
  const taken = new Set(ways.map((way) => way.id));
  for (let n = 1; ; n++) {
    if (!taken.has(`way${n}`)) {
      return `way${n}`;
    }
  }
}
