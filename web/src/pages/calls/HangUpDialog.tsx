import { api, ask, Problem } from "../../api/client";
import type { LiveCallItem } from "../../live/model";
import { ConfirmDialog } from "../../ui/ConfirmDialog";

/** Asks before a call is hung up: somebody may be speaking. */
export function HangUpDialog({ call, close }: { call: LiveCallItem | null; close: () => void }) {
  if (call === null) {
    return null;
  }
  return (
    <ConfirmDialog
      title="Hang up this call?"
      no="Cancel"
      yes="Hang up"
      act={() => hangUp(call.id)}
      onDone={close}
      onClose={close}
    >
      The call from {call.from || "an anonymous caller"} to {call.number} ends at once, for the caller and for
      whoever is talking to them.
    </ConfirmDialog>
  );
}

async function hangUp(id: string): Promise<void> {
  try {
    await ask(api.DELETE("/calls/{id}", { params: { path: { id } } }));
  } catch (error) {
    // Over already: what was wanted.
    if (!(error instanceof Problem && error.status === 404)) {
      throw error;
    }
  }
}
