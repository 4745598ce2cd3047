import { Badge, Button, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Ban, bansKey, liftBan, listBans } from "../../api/trunks";
import { useSession } from "../../app/session";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { Empty } from "../../ui/Empty";
import { durationText, timeText, useNow } from "../../ui/moments";
import { type Column, ObjectTable } from "../../ui/ObjectTable";
import { Page } from "../../ui/Page";
import { usePages } from "../../ui/paging";

const EVERY_MS = 10_000;

const offences: Record<Ban["offence"], string> = {
  scanner: "Scanner",
  wrong_passwords: "Wrong passwords",
  flood: "Flood",
};

/** Who is not answered for a while, why, and an end to that. */
export function BansPage() {
  const { may } = useSession();
  const [lifted, setLifted] = useState<Ban | null>(null);
  const now = useNow();
  const bans = usePages(bansKey, listBans, () => EVERY_MS);
  return (
    <Page
      title="Bans"
      text="Hosts that this server does not answer for a while: scanners, those who guess passwords, and floods. Trunks and telephones that are registered are never banned."
    >
      <ObjectTable
        query={bans}
        keyOf={(ban) => ban.network}
        empty={<Empty title="Nobody is banned" text="Bans end by themselves; a restart ends all of them." />}
        columns={columnsWith(now, may("system.edit") ? setLifted : null)}
      />
      {lifted && <LiftDialog ban={lifted} onClose={() => setLifted(null)} />}
    </Page>
  );
}

function columnsWith(now: number, lift: ((ban: Ban) => void) | null): Column<Ban>[] {
  const columns: Column<Ban>[] = [
    {
      title: "Who",
      cell: (ban) => (
        <>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {ban.network}
          </Text>
          {!ban.isProven && (
            <Text size="xs" c="dimmed">
              perhaps forged: it may still register
            </Text>
          )}
        </>
      ),
    },
    {
      title: "Why",
      cell: (ban) => (
        <>
          <Badge variant="default" tt="none">
            {offences[ban.offence]}
          </Badge>
          <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {ban.reason}
          </Text>
        </>
      ),
    },
    { title: "Turned away", from: "sm", align: "right", cell: (ban) => ban.turnedAway.toLocaleString() },
    { title: "Since", from: "md", cell: (ban) => timeText(ban.since) },
    { title: "Ends in", cell: (ban) => durationText((Date.parse(ban.until) - now) / 1_000) },
  ];
  if (lift) {
    columns.push({
      title: "Lift",
      align: "right",
      cell: (ban) => (
        <Button
          size="compact-sm"
          variant="subtle"
          color="red"
          aria-label={`Lift the ban of ${ban.network}`}
          onClick={() => lift(ban)}
        >
          Lift
        </Button>
      ),
    });
  }
  return columns;
}

function LiftDialog({ ban, onClose }: { ban: Ban; onClose: () => void }) {
  const queries = useQueryClient();
  const onDone = async () => {
    notifications.show({ message: `${ban.network} is answered again.`, color: "teal" });
    onClose();
    await queries.invalidateQueries({ queryKey: bansKey });
  };
  return (
    <ConfirmDialog
      title={`Lift the ban of ${ban.network}?`}
      no="Keep it"
      yes="Lift it"
      act={() => liftBan(ban)}
      onDone={onDone}
      onClose={onClose}
    >
      {`It is answered again at once. ${ban.offence === "scanner" ? "Whatever names itself as a scanner is still not answered, and is banned anew. " : "If it goes on as before it is banned anew. "}`}
      A host that is never to be banned belongs into <code>allow</code> under <code>[bans]</code> in the
      server&apos;s configuration.
    </ConfirmDialog>
  );
}
