// Fields that mean more than their schema says: keys of a menu, ways of a branch, hours, who is rung, what exists elsewhere.

import {
  ActionIcon,
  Autocomplete,
  Button,
  Chip,
  Fieldset,
  Group,
  NumberInput,
  Select,
  Stack,
  TagsInput,
  Text,
  TextInput,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { type ComponentType, useState } from "react";
import { isObject, type Json, type JsonObject, stepName, textOf } from "../../flow/document";
import { useBuilderState } from "../store";
import { AudioField } from "./AudioField";
import { type Choice, useFieldError, useFlows, useForm, useObjects } from "./context";
import { type FieldProps, withField } from "./Field";
import { fieldLabel, wordLabel } from "./labels";
import { Items, objectsOf } from "./ObjectList";
import { TemplateInput } from "./TemplateInput";

/** A field that may give ports another name: `ports` says old to new. */
export type SpecialProps = Omit<FieldProps, "onChange"> & {
  config: JsonObject;
  onChange: (value: Json | undefined, ports?: Record<string, string>) => void;
};

/** By type of step and name of field. */
export const SPECIAL: Record<string, ComponentType<SpecialProps>> = {
  "menu.options": MenuOptions,
  "branch.branches": BranchWays,
  "split.branches": SplitWays,
  "time.weekly": Hours,
  "time.scheduleId": (props) => <Reference {...props} choices={useObjects("/schedules")} />,
  "caller_list.listId": (props) => <Reference {...props} choices={useObjects("/lists")} />,
  "subflow.flowId": (props) => <Reference {...props} choices={useFlows()} />,
  "subflow.version": FlowVersion,
  "goto.stepId": StepChoice,
  "dial.target": DialTarget,
  "dial.callerId": CallerId,
  "dial.ringback": Ringback,
  "loop.list": LoopList,
  "hangup.sipReason": HangupReason,
};

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "*", "#"];
const OPTIONS_MAX = 12;

function MenuOptions({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly } = useForm();
  const error = useFieldError(path);
  const options = isObject(value) ? Object.entries(value) : [];
  const taken = new Set(options.map(([key]) => key));
  const free = KEYS.find((key) => !taken.has(key));
  const rename = (old: string, key: string) => {
    const next = options.map(([name, option]) => [name === old ? key : name, option]);
    onChange(Object.fromEntries(next), { [`key:${old}`]: `key:${key}` });
  };
  return (
    <Fieldset legend="Keys" p="xs" data-field={path}>
      <Stack gap="xs">
        <Text size="xs" c="dimmed">
          {schema.description}
        </Text>
        {options.map(([key, option]) => (
          <Group key={key} gap="xs" align="flex-start" wrap="nowrap">
            <KeyInput value={key} taken={taken} onChange={(next) => rename(key, next)} />
            <TextInput
              style={{ flex: 1 }}
              aria-label={`What ${key} stands for`}
              placeholder="What it stands for"
              maxLength={60}
              readOnly={readOnly}
              value={isObject(option) ? textOf(option.label) : ""}
              onChange={(event) => {
                const label = event.currentTarget.value;
                onChange({ ...Object.fromEntries(options), [key]: label === "" ? {} : { label } });
              }}
            />
            {!readOnly && (
              <ActionIcon
                variant="subtle"
                color="red"
                mt={4}
                aria-label={`Take key ${key} out`}
                onClick={() => onChange(Object.fromEntries(options.filter(([name]) => name !== key)))}
              >
                <IconTrash size={14} aria-hidden />
              </ActionIcon>
            )}
          </Group>
        ))}
        <Wrong text={error} />
        {!readOnly && free !== undefined && options.length < OPTIONS_MAX && (
          <Button
            variant="default"
            size="xs"
            leftSection={<IconPlus size={14} aria-hidden />}
            onClick={() => onChange({ ...Object.fromEntries(options), [free]: {} })}
          >
            Add a key
          </Button>
        )}
      </Stack>
    </Fieldset>
  );
}

/** A key of a menu; taken over when it is left, so that a half-typed one loses no connection. */
function KeyInput({
  value,
  taken,
  onChange,
}: {
  value: string;
  taken: Set<string>;
  onChange: (key: string) => void;
}) {
  const { readOnly } = useForm();
  const [typed, setTyped] = useState(value);
  const isWrong = !/^[0-9*#]{1,4}$/.test(typed) || (typed !== value && taken.has(typed));
  const take = () => (isWrong ? setTyped(value) : typed !== value && onChange(typed));
  return (
    <TextInput
      w={64}
      aria-label={`Key ${value}`}
      value={typed}
      error={isWrong}
      readOnly={readOnly}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={take}
      onKeyDown={(event) => event.key === "Enter" && take()}
    />
  );
}

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

function BranchWays({ path, schema, value, onChange }: SpecialProps) {
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

function SplitWays({ path, schema, value, onChange }: SpecialProps) {
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

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

function Hours({ path, schema, value, onChange, config }: SpecialProps) {
  const { readOnly } = useForm();
  if (textOf(config.scheduleId) !== "") {
    return null;
  }
  const intervals = objectsOf(value);
  return (
    <Items
      label="Hours"
      description={schema.description}
      path={path}
      items={intervals}
      max={42}
      fresh={() => ({ days: DAYS.slice(0, 5), open: "09:00", close: "17:00" })}
      onChange={onChange}
      render={(interval, _, set) => (
        <>
          <Chip.Group
            multiple
            value={Array.isArray(interval.days) ? interval.days.map(textOf) : []}
            onChange={(days: string[]) =>
              set({ ...interval, days: DAYS.filter((day) => days.includes(day)) })
            }
          >
            <Group gap={4}>
              {DAYS.map((day) => (
                <Chip key={day} value={day} size="xs" disabled={readOnly} radius="sm">
                  {day.charAt(0).toUpperCase() + day.slice(1)}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
          <Group grow gap="xs">
            <TextInput
              label="Opens"
              placeholder="09:00"
              value={textOf(interval.open)}
              readOnly={readOnly}
              onChange={(event) => set({ ...interval, open: event.currentTarget.value })}
            />
            <TextInput
              label="Closes"
              placeholder="17:00"
              value={textOf(interval.close)}
              readOnly={readOnly}
              onChange={(event) => set({ ...interval, close: event.currentTarget.value })}
            />
          </Group>
        </>
      )}
    />
  );
}

/** An id of something that exists elsewhere, to be chosen or typed. */
function Reference({
  name,
  schema,
  path,
  value,
  onChange,
  required,
  choices,
}: SpecialProps & { choices: Choice[] }) {
  const { readOnly } = useForm();
  const error = useFieldError(path);
  const labels = new Map(choices.map((choice) => [choice.value, choice.label]));
  return (
    <Autocomplete
      data-field={path}
      label={fieldLabel(name)}
      description={schema.description}
      required={required}
      error={error}
      readOnly={readOnly}
      data={choices.map((choice) => choice.value)}
      renderOption={({ option }) => labels.get(option.value) ?? option.value}
      value={textOf(value)}
      onChange={(next) => onChange(next === "" && !required ? undefined : next)}
    />
  );
}

function FlowVersion({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly } = useForm();
  return (
    <TextInput
      data-field={path}
      label="Version"
      description={schema.description}
      placeholder="live"
      error={useFieldError(path)}
      readOnly={readOnly}
      value={textOf(value)}
      onChange={(event) => {
        const next = event.currentTarget.value.trim();
        onChange(next === "" ? undefined : /^\d+$/.test(next) ? Number(next) : next);
      }}
    />
  );
}

function StepChoice({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly, step } = useForm();
  const document = useBuilderState((state) => state.document);
  return (
    <Select
      data-field={path}
      label="Step"
      description={schema.description}
      error={useFieldError(path)}
      readOnly={readOnly}
      searchable
      data={Object.keys(document.steps)
        .filter((id) => id !== step)
        .map((id) => ({ value: id, label: stepName(document, id) }))}
      value={textOf(value) || null}
      onChange={(next) => onChange(next ?? "")}
    />
  );
}

const TARGETS = ["user", "users", "number", "sip"];

function DialTarget({ path, value, onChange, schema }: SpecialProps) {
  const { readOnly } = useForm();
  const error = useFieldError(path);
  const agents = useObjects("/agents");
  const target = isObject(value) ? value : {};
  const kind = textOf(target.kind) || "users";
  const labels = new Map(agents.map((choice) => [choice.value, choice.label]));
  const setKind = (next: string | null) => {
    if (next !== null && next !== kind) {
      const first = Array.isArray(target.values) ? textOf(target.values[0]) : textOf(target.value);
      onChange(
        next === "users"
          ? { kind: next, values: first ? [first] : [] }
          : { kind: next, value: next === "user" ? first : "" },
      );
    }
  };
  return (
    <Fieldset legend="Who is rung" p="xs" data-field={path}>
      <Stack gap="xs">
        <Select
          label="Kind"
          description={schema.properties?.kind?.description}
          data={[...new Set([...TARGETS, kind])].map((word) => ({ value: word, label: wordLabel(word) }))}
          value={kind}
          allowDeselect={false}
          readOnly={readOnly}
          onChange={setKind}
        />
        {kind === "users" ? (
          <TagsInput
            label="Agents"
            description="Their ids, in the order in which they are rung one after the other; a variable such as {{owner}} may stand there."
            data={agents.map((agent) => agent.value)}
            renderOption={({ option }) => labels.get(option.value) ?? option.value}
            value={Array.isArray(target.values) ? target.values.map(textOf) : []}
            readOnly={readOnly}
            acceptValueOnBlur
            error={error}
            onChange={(values) => onChange({ kind, values })}
          />
        ) : kind === "user" ? (
          <Autocomplete
            label="Agent"
            description="An id; a variable such as {{owner}} may stand there."
            data={agents.map((agent) => agent.value)}
            renderOption={({ option }) => labels.get(option.value) ?? option.value}
            value={textOf(target.value)}
            readOnly={readOnly}
            error={error}
            onChange={(next) => onChange({ kind, value: next })}
          />
        ) : (
          <TemplateInput
            label={kind === "sip" ? "SIP address" : "Number"}
            placeholder={kind === "sip" ? "sip:desk@pbx.example.com" : "+15550123"}
            value={textOf(target.value)}
            error={error}
            onChange={(next) => onChange({ kind, value: next })}
          />
        )}
      </Stack>
    </Fieldset>
  );
}

function CallerId({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly } = useForm();
  const text = textOf(value);
  const isFixed = text.startsWith("fixed:");
  return (
    <Stack gap="xs" data-field={path}>
      <Select
        label="Number shown"
        description={schema.description}
        error={useFieldError(path)}
        readOnly={readOnly}
        data={[
          { value: "default", label: "As usual" },
          { value: "caller", label: "The caller's" },
          { value: "dialled", label: "The one that was dialled" },
          { value: "fixed", label: "Always this one" },
        ]}
        value={isFixed ? "fixed" : text || "default"}
        allowDeselect={false}
        onChange={(next) =>
          onChange(next === "default" || next === null ? undefined : next === "fixed" ? "fixed:+" : next)
        }
      />
      {isFixed && (
        <TextInput
          aria-label="The number that is shown"
          value={text.slice("fixed:".length)}
          readOnly={readOnly}
          onChange={(event) => onChange(`fixed:${event.currentTarget.value}`)}
        />
      )}
    </Stack>
  );
}

function Ringback({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly } = useForm();
  const kind = isObject(value) ? "audio" : textOf(value) || "tone";
  return (
    <Stack gap="xs" data-field={path}>
      <Select
        label="The caller hears"
        description={schema.description}
        readOnly={readOnly}
        data={[
          { value: "tone", label: "The ringing tone" },
          { value: "music", label: "Music" },
          { value: "audio", label: "A text or a prompt" },
        ]}
        value={kind}
        allowDeselect={false}
        onChange={(next) =>
          onChange(
            next === "tone" ? undefined : next === "audio" ? { kind: "file", id: "" } : (next ?? undefined),
          )
        }
      />
      {kind === "audio" && (
        <AudioField label="Played meanwhile" path={path} value={value} required onChange={onChange} />
      )}
    </Stack>
  );
}

function LoopList({ path, schema, value, onChange }: SpecialProps) {
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

function HangupReason({ path, schema, value, onChange }: SpecialProps) {
  const { readOnly } = useForm();
  const known = [
    { value: "16", label: "16 · the call is over" },
    { value: "17", label: "17 · busy" },
    { value: "19", label: "19 · nobody answers" },
    { value: "21", label: "21 · refused" },
    { value: "480", label: "480 · not available" },
    { value: "486", label: "486 · busy here" },
    { value: "603", label: "603 · declined" },
  ];
  const text = textOf(value) || "16";
  return (
    <Autocomplete
      data-field={path}
      label={fieldLabel("sipReason")}
      description={schema.description}
      error={useFieldError(path)}
      readOnly={readOnly}
      data={known.map((choice) => choice.value)}
      renderOption={({ option }) =>
        known.find((choice) => choice.value === option.value)?.label ?? option.value
      }
      value={text}
      onChange={(next) =>
        onChange(next === "" || next === "16" ? undefined : /^\d+$/.test(next) ? Number(next) : next)
      }
    />
  );
}

function FieldError({ path }: { path: string }) {
  return useFieldError(path);
}

function Wrong({ text }: { text: string | null }) {
  return (
    text && (
      <Text size="xs" c="var(--mantine-color-error)">
        {text}
      </Text>
    )
  );
}
