import { ActionIcon, Button, Group, Menu, SegmentedControl, Text, Title, Tooltip } from "@mantine/core";
import {
  IconArrowBackUp,
  IconArrowForwardUp,
  IconCloudUpload,
  IconHelp,
  IconLayoutAlignLeft,
  IconLayoutAlignTop,
  IconLayoutColumns,
  IconLayoutRows,
  IconSearch,
  IconSitemap,
} from "@tabler/icons-react";
import { type ComponentType, type ReactNode, useState } from "react";
import type { Actions } from "./actions";
import type { Autosave, SaveState } from "./autosave";
import { MoreMenu } from "./MoreMenu";
import { PublishDialog } from "./PublishDialog";
import { useBuilder, useBuilderState, usePast } from "./store";

type ToolbarProps = {
  id: string;
  autosave: Autosave;
  actions: Actions;
  view: "canvas" | "outline";
  onView: (view: "canvas" | "outline") => void;
  onFind: () => void;
  onHelp: () => void;
};

export function Toolbar({ id, autosave, actions, view, onView, onFind, onHelp }: ToolbarProps) {
  const { builder, mayEdit } = useBuilder();
  const { canUndo, canRedo } = usePast();
  const name = useBuilderState((state) => state.document.name);
  const [isPublishing, setPublishing] = useState(false);
  return (
    <Group justify="space-between" gap="xs">
      <Group gap="sm" wrap="nowrap" style={{ minWidth: 0 }}>
        <Title
          order={1}
          size="h4"
          style={{ overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap", maxWidth: 320 }}
        >
          {name || id}
        </Title>
        <SaveWords state={autosave.state} mayEdit={mayEdit} />
      </Group>
      <Group gap={6} role="toolbar" aria-label="Builder">
        {mayEdit && (
          <>
            <Tool label="Undo (Ctrl+Z)" icon={IconArrowBackUp} disabled={!canUndo} onClick={builder.undo} />
            <Tool
              label="Redo (Ctrl+Shift+Z)"
              icon={IconArrowForwardUp}
              disabled={!canRedo}
              onClick={builder.redo}
            />
            <Tool label="Lay all steps out (L)" icon={IconSitemap} onClick={actions.arrange} />
            <AlignMenu actions={actions} />
          </>
        )}
        <Tool label="Find a step (Ctrl+F)" icon={IconSearch} onClick={onFind} />
        <Tool label="Keys and help (?)" icon={IconHelp} onClick={onHelp} />
        <SegmentedControl
          size="xs"
          aria-label="View"
          data={[
            { value: "canvas", label: "Canvas" },
            { value: "outline", label: "Outline" },
          ]}
          value={view}
          onChange={(next) => onView(next as "canvas" | "outline")}
        />
        <MoreMenu id={id} />
        {mayEdit && (
          <Button
            size="xs"
            leftSection={<IconCloudUpload size={16} aria-hidden />}
            onClick={() => setPublishing(true)}
          >
            Publish
          </Button>
        )}
      </Group>
      <PublishDialog id={id} opened={isPublishing} onClose={() => setPublishing(false)} autosave={autosave} />
    </Group>
  );
}

type ToolProps = {
  label: string;
  icon: ComponentType<{ size?: number; "aria-hidden"?: boolean }>;
  disabled?: boolean;
  onClick: () => void;
};

function Tool({ label, icon: Icon, disabled = false, onClick }: ToolProps) {
  return (
    <Tooltip label={label} openDelay={400}>
      <ActionIcon variant="default" size="md" aria-label={label} disabled={disabled} onClick={onClick}>
        <Icon size={16} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}

function SaveWords({ state, mayEdit }: { state: SaveState; mayEdit: boolean }) {
  const words = {
    saved: mayEdit ? "Draft saved" : "You may look, not change",
    waiting: "Not saved yet",
    saving: "Saving …",
    failed: "Not saved",
    conflict: "Not saved",
  }[state.kind];
  return (
    <Text
      size="xs"
      c={state.kind === "failed" ? "red" : "dimmed"}
      aria-live="polite"
      style={{ whiteSpace: "nowrap" }}
    >
      {words}
    </Text>
  );
}

function AlignMenu({ actions }: { actions: Actions }) {
  const count = useBuilderState((state) => state.selected.length);
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <ActionIcon variant="default" size="md" aria-label="Line the selected steps up" disabled={count < 2}>
          <IconLayoutAlignLeft size={16} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Line
          icon={<IconLayoutAlignLeft size={16} aria-hidden />}
          text="Left sides"
          onClick={() => actions.align("left")}
        />
        <Line
          icon={<IconLayoutAlignTop size={16} aria-hidden />}
          text="Upper sides"
          onClick={() => actions.align("top")}
        />
        <Line
          icon={<IconLayoutRows size={16} aria-hidden />}
          text="One below the other"
          onClick={() => actions.align("columns")}
        />
        <Line
          icon={<IconLayoutColumns size={16} aria-hidden />}
          text="Side by side"
          onClick={() => actions.align("rows")}
        />
      </Menu.Dropdown>
    </Menu>
  );
}

function Line({ icon, text, onClick }: { icon: ReactNode; text: string; onClick: () => void }) {
  return (
    <Menu.Item leftSection={icon} onClick={onClick}>
      {text}
    </Menu.Item>
  );
}
