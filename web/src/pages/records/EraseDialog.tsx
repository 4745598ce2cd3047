import { useMutation, useQueryClient } from "@tanstack/react-query";
import { crmKey } from "../../api/crm";
import { Dialog } from "../../ui/Dialog";
import { EraseForm } from "./EraseForm";
import { ErasureAnswer } from "./ErasureAnswer";
import { eraseCaller } from "./erasure";

/** What is another one by now: records and what is made of them, what others are told, who did it. */
const CHANGED = [["records"], ["report"], ["outbox"], crmKey, ["audit"]];

type EraseDialogProps = {
  /** The caller’s, where the page is about one. */
  number: string;
  isOpen: boolean;
  onClose: () => void;
};

/** Takes a caller out of what is kept, and says what is left to do elsewhere. */
export function EraseDialog({ number, isOpen, onClose }: EraseDialogProps) {
  const queries = useQueryClient();
  const erasing = useMutation({
    mutationFn: eraseCaller,
    // Some of it may be done where it failed.
    onSettled: () => {
      for (const queryKey of CHANGED) {
        void queries.invalidateQueries({ queryKey });
      }
    },
  });
  // The server ends what it began; its answer would be lost.
  const close = () => {
    if (!erasing.isPending) {
      erasing.reset();
      onClose();
    }
  };
  return (
    <Dialog
      isOpen={isOpen}
      onClose={close}
      title={erasing.data ? "What was erased" : "Erase a caller"}
      size="lg"
      // What is left to do is not lost by a slip.
      closesLightly={!erasing.isPending && !erasing.data}
    >
      {isOpen && erasing.data && <ErasureAnswer erasure={erasing.data} onClose={close} />}
      {isOpen && !erasing.data && (
        <EraseForm
          number={number}
          onErase={erasing.mutate}
          isErasing={erasing.isPending}
          error={erasing.error}
          onClose={close}
        />
      )}
    </Dialog>
  );
}
