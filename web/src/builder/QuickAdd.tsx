import { Modal, Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { type KeyboardEvent, type ReactNode, useRef, useState } from "react";
import classes from "./Builder.module.css";
import { KindLine, offered } from "./Palette";
import { useBuilder } from "./store";

type ChooserProps<T> = {
  opened: boolean;
  title: string;
  label: string;
  onClose: () => void;
  find: (text: string) => T[];
  keyOf: (item: T) => string;
  render: (item: T) => ReactNode;
  onChoose: (item: T) => void;
  nothing: string;
};

/** A field with a list under it: typed, chosen by arrows and Enter or by the mouse. Whoever opens it closes it. */
export function Chooser<T>(props: ChooserProps<T>) {
  const { opened, title, onClose } = props;
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      size="md"
      returnFocus={false}
      transitionProps={{ duration: 0 }}
    >
      {opened && <ChooserList {...props} />}
    </Modal>
  );
}

function ChooserList<T>({ label, find, keyOf, render, onChoose, nothing }: ChooserProps<T>) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const items = find(text);
  const active = Math.min(at, items.length - 1);
  const move = (to: number) => {
    const next = (to + items.length) % Math.max(1, items.length);
    setAt(next);
    list.current?.children[next]?.scrollIntoView({ block: "nearest" });
  };
  const choose = (item: T | undefined) => {
    if (item !== undefined) {
      onChoose(item);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      move(active + step);
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(items[active]);
    }
  };
  const chosen = items[active];
  return (
    <Stack gap="xs">
      <TextInput
        data-autofocus
        aria-label={label}
        placeholder={label}
        role="combobox"
        aria-expanded
        aria-controls="chooser-list"
        aria-activedescendant={chosen === undefined ? undefined : `chooser-${keyOf(chosen)}`}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div
        ref={list}
        id="chooser-list"
        role="listbox"
        aria-label={label}
        style={{ maxHeight: 380, overflowY: "auto" }}
      >
        {items.map((item, i) => (
          <UnstyledButton
            key={keyOf(item)}
            id={`chooser-${keyOf(item)}`}
            role="option"
            aria-selected={i === active}
            tabIndex={-1}
            className={classes.finding ?? ""}
            data-active={i === active || undefined}
            onMouseMove={() => setAt(i)}
            onClick={() => choose(item)}
          >
            {render(item)}
          </UnstyledButton>
        ))}
      </div>
      {items.length === 0 && (
        <Text size="sm" c="dimmed">
          {nothing}
        </Text>
      )}
    </Stack>
  );
}

type QuickAddProps = {
  opened: boolean;
  onClose: () => void;
  onChoose: (type: string) => void;
  title: string;
};

/** Chooses a kind of step: behind a port that was let go, or by the keyboard. */
export function QuickAdd({ opened, onClose, onChoose, title }: QuickAddProps) {
  const { catalogue } = useBuilder();
  return (
    <Chooser
      opened={opened}
      onClose={onClose}
      title={title}
      label="Search steps"
      nothing="No step is called that."
      find={(text) => offered(catalogue, text)}
      keyOf={(kind) => kind.type}
      render={(kind) => <KindLine kind={kind} withText />}
      onChoose={(kind) => onChoose(kind.type)}
    />
  );
}
