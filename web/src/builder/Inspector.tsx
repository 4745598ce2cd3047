import {
  Alert,
  Badge,
  Button,
  Collapse,
  Fieldset,
  Group,
  Stack,
  Table,
  Text,
  Textarea,
  TextInput,
  Title,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { memo, useEffect, useMemo, useRef, useState } from "react";
import { kindWords } from "../flow/catalogue";
import { commentOf, type FlowDocument, type Json, type Step } from "../flow/document";
import { renameId, renameStep, setComment, setConfig, setEntry, setSetting, wrongId } from "../flow/edits";
import { fallbackOf, portsOf } from "../flow/ports";
import { variablesAt } from "../flow/variables";
import { FlowSettings } from "./FlowSettings";
import { placeOf } from "./findings";
import { FormContext } from "./forms/context";
import { Field, withField } from "./forms/Field";
import { isShown, SECTIONS, SPECIAL } from "./forms/special";
import type { Fields as FieldValues } from "./forms/specialProps";
import { PortTarget } from "./PortTarget";
import { useBuilder, useBuilderState } from "./store";

/** The fields of the selected step; of the flow where none is selected. */
export const Inspector = memo(function Inspector() {
  const selected = useBuilderState((state) => state.selected);
  const step = useBuilderState((state) => state.document.steps[selected[0] ?? ""]);
  const [id] = selected;
  if (id === undefined || step === undefined) {
    return <FlowSettings />;
  }
  if (selected.length > 1) {
    return (
      <Text size="sm" c="dimmed">
        {selected.length} steps are selected. They can be moved, copied, lined up and taken out together.
      </Text>
    );
  }
  return <StepForm key={id} id={id} step={step} />;
});

function StepForm({ id, step }: { id: string; step: Step }) {
  const { builder, mayEdit, catalogue } = useBuilder();
  const document = useBuilderState((state) => state.document);
  const frame = useRef<HTMLDivElement>(null);
  useFieldInView(frame);
  const { label, text } = kindWords(step.type);
  const isRun = catalogue.kinds[step.type]?.isOffered === true;
  const form = useMemo(
    () => ({
      step: id,
      variables: () => variablesAt(builder.store.getState().document, id),
      readOnly: !mayEdit,
    }),
    [builder, id, mayEdit],
  );
  return (
    <FormContext.Provider value={form}>
      <Stack gap="sm" ref={frame}>
        <div>
          <Title order={2} size="h5">
            {label}
          </Title>
          <Text size="xs" c="dimmed">
            {text}
          </Text>
        </div>
        {!isRun && (
          <Alert color="orange" p="xs">
            This server does not run such a step yet.
          </Alert>
        )}
        <StepFindings id={id} />
        <Names id={id} step={step} />
        <Fields id={id} step={step} />
        <Wires id={id} step={step} document={document} />
        <Comment id={id} step={step} />
      </Stack>
    </FormContext.Provider>
  );
}

/** Brings the field to which a finding leads into view. */
function useFieldInView(frame: React.RefObject<HTMLDivElement | null>) {
  const field = useBuilderState((state) => state.field);
  const { builder } = useBuilder();
  useEffect(() => {
    if (field === null) {
      return;
    }
    // The nearest field around the place: `config/audio/text` is within `config/audio`.
    for (let path = field; path !== ""; path = path.slice(0, Math.max(0, path.lastIndexOf("/")))) {
      const element = frame.current?.querySelector<HTMLElement>(`[data-field="${CSS.escape(path)}"]`);
      if (element) {
        element.scrollIntoView({ block: "center" });
        const input = element.matches("input, textarea")
          ? element
          : element.querySelector<HTMLElement>("input, textarea, button");
        input?.focus();
        break;
      }
    }
    builder.store.setState({ field: null });
  }, [field, frame, builder]);
}

function StepFindings({ id }: { id: string }) {
  const all = useBuilderState((state) => state.findings);
  const own = all.filter((finding) => placeOf(finding.pointer).step === id && finding.severity !== "note");
  return own.map((finding) => (
    <Alert
      key={`${finding.code} ${finding.pointer} ${finding.message}`}
      color={finding.severity === "error" ? "red" : "orange"}
      p="xs"
    >
      <Text size="xs">
        {finding.message} {finding.remedy}
      </Text>
    </Alert>
  ));
}

function Names({ id, step }: { id: string; step: Step }) {
  const { builder, mayEdit } = useBuilder();
  const document = useBuilderState((state) => state.document);
  const [typed, setTyped] = useState(id);
  const wrong = wrongId(document, id, typed);
  const take = () => {
    if (wrong !== null) {
      setTyped(id);
    } else if (typed !== id) {
      builder.edit((before) => renameId(before, id, typed));
      builder.select([typed]);
    }
  };
  const isTaken = Object.entries(document.steps).some(
    ([other, { name }]) => other !== id && name !== undefined && name === step.name,
  );
  return (
    <Group gap="xs" grow align="flex-start">
      <TextInput
        label="Name"
        data-field="name"
        maxLength={60}
        value={step.name ?? ""}
        readOnly={!mayEdit}
        error={isTaken ? "Another step is called that." : null}
        onChange={(event) => {
          const name = event.currentTarget.value;
          builder.edit((before) => renameStep(before, id, name), `name ${id}`);
        }}
      />
      <TextInput
        label="Id"
        value={typed}
        readOnly={!mayEdit}
        error={typed === id ? null : wrong}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onBlur={take}
        onKeyDown={(event) => event.key === "Enter" && take()}
      />
    </Group>
  );
}

/** The fields that must be there and those that are set; the others are folded away. */
function Fields({ id, step }: { id: string; step: Step }) {
  const { builder, catalogue } = useBuilder();
  const kind = catalogue.kinds[step.type];
  // What was set when the step was opened stays above the fold, whatever becomes of it.
  const [above] = useState(
    () =>
      new Set([...(kind?.required ?? []), ...Object.keys(step.config ?? {}), ...(FIRST[step.type] ?? [])]),
  );
  const [isOpen, { toggle }] = useDisclosure(false);
  const field = useBuilderState((state) => state.field);
  if (kind === undefined) {
    return null;
  }
  const config = step.config ?? {};
  const set = (
    name: string,
    value: Json | undefined,
    ports?: Record<string, string>,
    also: FieldValues = {},
  ) =>
    builder.edit((before) => {
      const all = Object.entries({ ...also, [name]: value });
      const next = all.reduce(
        (sum, [field, own]) => withField(sum, field, own),
        before.steps[id]?.config ?? {},
      );
      return setConfig(before, id, next, ports);
    }, `${id} ${name}`);
  const draw = (names: string[]) =>
    names.map((name) => {
      const schema = kind.fields[name] ?? {};
      const shared = {
        name,
        schema,
        path: `config/${name}`,
        value: step.config?.[name],
        required: kind.required.includes(name),
      };
      const Special = SPECIAL[`${step.type}.${name}`];
      return Special ? (
        <Special
          key={name}
          {...shared}
          config={config}
          onChange={(value, ports, also) => set(name, value, ports, also)}
        />
      ) : (
        <Field key={name} {...shared} onChange={(value) => set(name, value)} />
      );
    });
  const section = SECTIONS[step.type];
  const names = Object.keys(kind.fields).filter(
    (name) => isShown(step.type, name, config) && !section?.fields.includes(name),
  );
  const more = names.filter((name) => !above.has(name));
  const leadsBelow = more.some((name) => field?.startsWith(`config/${name}`));
  return (
    <>
      {draw(names.filter((name) => above.has(name)))}
      {more.length > 0 && (
        <>
          <Button
            variant="subtle"
            size="xs"
            justify="flex-start"
            aria-expanded={isOpen}
            leftSection={
              isOpen ? <IconChevronDown size={14} aria-hidden /> : <IconChevronRight size={14} aria-hidden />
            }
            onClick={toggle}
          >
            More settings ({more.length})
          </Button>
          <Collapse expanded={isOpen || leadsBelow}>
            <Stack gap="sm">{draw(more)}</Stack>
          </Collapse>
        </>
      )}
      {section && (
        <Fieldset legend={section.title} p="xs">
          <Stack gap="sm">
            <Text size="xs" c="dimmed">
              {section.text}
            </Text>
            {draw(section.fields.filter((name) => name in kind.fields))}
          </Stack>
        </Fieldset>
      )}
    </>
  );
}

/** What is asked first of some kinds although it may be left out. */
const FIRST: Record<string, string[]> = {
  time: ["scheduleId", "weekly", "useHolidays"],
  dial: ["ringSec", "fallbackOwner"],
  hangup: ["audio"],
  menu: ["timeoutSec"],
};

/** Where each port leads: the same that is drawn on the canvas, as a table. */
function Wires({ id, step, document }: { id: string; step: Step; document: FlowDocument }) {
  const ports = portsOf(step);
  if (ports.length === 0 || step.type === "goto") {
    return null;
  }
  return (
    <Table verticalSpacing={4} horizontalSpacing={4} layout="fixed">
      <Table.Caption style={{ captionSide: "top", textAlign: "start" }}>Where each port leads</Table.Caption>
      <Table.Tbody>
        {ports.map((port) => (
          <Table.Tr key={port.name} data-field={`on/${port.name}`}>
            <Table.Th fw={400} fz="xs">
              {port.label}
            </Table.Th>
            <Table.Td>
              <PortTarget document={document} id={id} step={step} port={port.name} label={port.label} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Comment({ id, step }: { id: string; step: Step }) {
  const { builder, mayEdit } = useBuilder();
  const document = useBuilderState((state) => state.document);
  const isEntry = document.entry === id;
  const isFallback = fallbackOf(document) === id;
  return (
    <>
      <Textarea
        label="Note"
        description="For those who build the flow; it does nothing."
        autosize
        maxLength={500}
        value={commentOf(step)}
        readOnly={!mayEdit}
        onChange={(event) => {
          const text = event.currentTarget.value;
          builder.edit((before) => setComment(before, id, text), `comment ${id}`);
        }}
      />
      <Group gap="xs">
        {isEntry && <Badge variant="light">The call begins here</Badge>}
        {mayEdit && !isEntry && (
          <Button size="xs" variant="default" onClick={() => builder.edit((before) => setEntry(before, id))}>
            Begin the call here
          </Button>
        )}
        {mayEdit && (
          <Button
            size="xs"
            variant="default"
            onClick={() =>
              builder.edit((before) => setSetting(before, "fallback", isFallback ? undefined : id))
            }
          >
            {isFallback ? "No fallback any more" : "Make it the fallback"}
          </Button>
        )}
      </Group>
    </>
  );
}
