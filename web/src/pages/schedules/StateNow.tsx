import { Badge, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, ask, type Schema } from "../../api/client";
import { showTime } from "../../ui/times";

type State = Schema<"ScheduleStateItem">;

const WORDS: Record<State["state"], string> = { open: "Open", closed: "Closed", holiday: "Holiday" };
const COLORS: Record<State["state"], string> = { open: "teal", closed: "red", holiday: "orange" };

/** What a schedule says to calls at this moment, by the server's clock. */
export function StateNow({ id }: { id: string }) {
  const { data, error } = useQuery({
    queryKey: ["schedules", "states"],
    queryFn: () => ask(api.GET("/schedule-states")),
    refetchInterval: 30_000,
  });
  const found = data?.items.find((item) => item.id === id);
  if (found === undefined) {
    return (
      <Text size="sm" c="dimmed">
        {error ? "not known" : "–"}
      </Text>
    );
  }
  return (
    <div>
      <Badge variant="dot" color={COLORS[found.state]}>
        {WORDS[found.state]}
        {found.byHand ? ", by hand" : ""}
      </Badge>
      {found.nextEdge && (
        <Text size="xs" c="dimmed">
          changes {showTime(found.nextEdge)}
        </Text>
      )}
    </div>
  );
}
