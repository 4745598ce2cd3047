import { Text } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { type DragEvent, useState } from "react";
import classes from "./DropZone.module.css";

type DropZoneProps = {
  label: string;
  hint: string;
  accept: string;
  multiple?: boolean;
  onFiles: (files: File[]) => void;
};

/** Files are dropped here, or chosen by a click or a key. */
export function DropZone({ label, hint, accept, multiple = false, onFiles }: DropZoneProps) {
  const [isOver, setOver] = useState(false);
  const take = (files: FileList | null) => {
    const some = [...(files ?? [])];
    if (some.length > 0) {
      onFiles(multiple ? some : some.slice(0, 1));
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  };
  return (
    <label
      className={isOver ? `${classes.zone} ${classes.over}` : classes.zone}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <IconUpload size={22} aria-hidden />
      <Text fw={600} size="sm" component="span">
        {label}
      </Text>
      <Text size="sm" c="dimmed" component="span">
        {hint}
      </Text>
      <input
        className={classes.input}
        type="file"
        accept={accept}
        multiple={multiple}
        onChange={(event) => {
          take(event.currentTarget.files);
          // So that the same file can be chosen again.
          event.currentTarget.value = "";
        }}
      />
    </label>
  );
}
