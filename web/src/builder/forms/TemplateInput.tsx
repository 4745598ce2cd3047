import { Combobox, Text, Textarea, TextInput, useCombobox } from "@mantine/core";
import { type ChangeEvent, useRef, useState } from "react";
import { complete, completionAt } from "../../flow/template";
import { useForm } from "./context";

type TemplateInputProps = {
  label: string;
  description?: string | undefined;
  error?: string | null;
  value: string;
  onChange: (value: string) => void;
  required?: boolean;
  maxLength?: number | undefined;
  placeholder?: string | undefined;
  rows?: number;
};

/** A text with variables in it: after two opening braces it offers those that there are at the step. */
export function TemplateInput({ value, onChange, rows = 1, ...props }: TemplateInputProps) {
  const { variables, readOnly } = useForm();
  const combobox = useCombobox({ onDropdownClose: () => combobox.resetSelectedOption() });
  const input = useRef<HTMLTextAreaElement & HTMLInputElement>(null);
  const [caret, setCaret] = useState(value.length);
  const open = completionAt(value, caret);
  const fitting =
    open === null
      ? []
      : variables().filter(({ path }) => path.toLowerCase().includes(open.typed.toLowerCase()));
  const look = (text: string, at: number) => {
    setCaret(at);
    if (completionAt(text, at) === null) {
      combobox.closeDropdown();
    } else {
      combobox.openDropdown();
      combobox.selectFirstOption();
    }
  };
  const choose = (path: string) => {
    if (open === null) {
      return;
    }
    const done = complete(value, open, path);
    onChange(done.text);
    combobox.closeDropdown();
    requestAnimationFrame(() => input.current?.setSelectionRange(done.caret, done.caret));
  };
  const shared = {
    ...props,
    ref: input,
    value,
    readOnly,
    onChange: (event: ChangeEvent<HTMLTextAreaElement | HTMLInputElement>) => {
      const { value: text, selectionStart } = event.currentTarget;
      onChange(text);
      look(text, selectionStart ?? text.length);
    },
    onClick: () => look(value, input.current?.selectionStart ?? 0),
    onBlur: () => combobox.closeDropdown(),
  };
  return (
    <Combobox store={combobox} onOptionSubmit={choose} withinPortal>
      <Combobox.Target
        autoComplete="off"
        withKeyboardNavigation={combobox.dropdownOpened && fitting.length > 0}
      >
        {rows > 1 ? <Textarea autosize minRows={rows} maxRows={8} {...shared} /> : <TextInput {...shared} />}
      </Combobox.Target>
      <Combobox.Dropdown hidden={fitting.length === 0}>
        <Combobox.Options mah={240} style={{ overflowY: "auto" }} aria-label="Variables">
          {fitting.map(({ path, text, isSure }) => (
            <Combobox.Option key={path} value={path}>
              <Text size="sm" ff="monospace">
                {path}
              </Text>
              <Text size="xs" c="dimmed">
                {text}
                {isSure ? "" : " – empty on some ways to here"}
              </Text>
            </Combobox.Option>
          ))}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
