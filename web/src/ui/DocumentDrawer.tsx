import { useState } from "react";
import type { Kind } from "../api/documents";
import { DeleteButton } from "./DeleteDialog";
import { SidePanel } from "./Dialog";
import { DocumentEditor, type EditorProps } from "./DocumentEditor";
import { FindingsOf } from "./FindingsBanner";

type DrawerProps<T extends object> = Omit<EditorProps<T>, "onCancel" | "onDirty" | "actions" | "onSaved"> & {
  /** Nothing is open without. */
  isOpen: boolean;
  onClose: () => void;
  title: string;
  size?: string | number;
  /** The path of its list, by which others that point to it are found, and its word in findings. */
  kind: Kind;
  word: string;
};

/** The form of an object at the side of its list. With changes in it, it closes only by its buttons. */
export function DocumentDrawer<T extends object>(props: DrawerProps<T>) {
  const { isOpen, onClose, title, size = "lg", kind, word, ...editor } = props;
  const [isDirty, setDirty] = useState(false);
  const close = () => {
    setDirty(false);
    onClose();
  };
  const { door, id } = editor;
  return (
    <SidePanel isOpen={isOpen} onClose={close} title={title} size={size} closesLightly={!isDirty}>
      {isOpen && (
        <>
          {id !== null && <FindingsOf kind={word} id={id} />}
          <DocumentEditor
            {...editor}
            onDirty={setDirty}
            onCancel={close}
            onSaved={close}
            actions={(etag) =>
              door.remove && (
                <DeleteButton
                  kind={kind}
                  id={id ?? ""}
                  noun={editor.noun}
                  remove={() => door.remove?.(id ?? "", etag) ?? Promise.resolve()}
                  keys={[door.key]}
                  onDeleted={close}
                />
              )
            }
          />
        </>
      )}
    </SidePanel>
  );
}
