import { Button, Code, Group, Loader, ScrollArea, Stack, Text, UnstyledButton } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { api, ask, Problem, type Schema } from "../../api/client";
import { ladderText, lanesOf, partyText, shortLine, spanOf } from "../../live/ladder";
import { download } from "../../ui/download";
import { Empty } from "../../ui/Empty";
import { ProblemAlert } from "../../ui/ProblemAlert";
import classes from "./CallLadder.module.css";

type Ladder = Schema<"LadderItem">;
type Message = Schema<"MessageItem">;

/** How often it is looked whether there are more, while the call is in progress. */
const LOOK_EVERY_MS = 3_000;

/** The SIP messages of a call, drawn as they went between the parties. */
export function CallLadder({ id }: { id: string }) {
  const { data, error } = useQuery({
    queryKey: ["calls", id, "ladder"],
    queryFn: () => ask(api.GET("/calls/{id}/ladder", { params: { path: { id } } })),
    refetchInterval: (query) => (query.state.data?.isOver || query.state.error ? false : LOOK_EVERY_MS),
    retry: false,
  });
  if (error instanceof Problem && error.status === 404) {
    return <Empty title="No SIP messages are kept of this call" text={`${error.message}.`} />;
  }
  if (error) {
    return <ProblemAlert error={error} />;
  }
  if (!data) {
    return <Loader aria-label="Loading" />;
  }
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Text size="sm" c="dimmed">
          {data.messages.length} messages; keys and credentials are written as *.
          {data.leftOut > 0 && ` ${data.leftOut} more were too many to be kept.`}
        </Text>
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() => download(`${id}-sip.txt`, ladderText(data), "text/plain;charset=utf-8")}
        >
          Download as text
        </Button>
      </Group>
      <ScrollArea type="auto" viewportProps={{ tabIndex: 0 }}>
        <Lanes ladder={data} />
      </ScrollArea>
    </Stack>
  );
}

function Lanes({ ladder }: { ladder: Ladder }) {
  const lanes = lanesOf(ladder);
  const columns = `96px repeat(${lanes.length}, minmax(110px, 1fr))`;
  return (
    <>
      <div className={classes.row} style={{ gridTemplateColumns: columns }} aria-hidden>
        <span />
        {lanes.map((lane) => (
          <Text key={lane.key} size="sm" className={classes.lane ?? ""}>
            {lane.name}
          </Text>
        ))}
      </div>
      <ol className={classes.ladder} aria-label="SIP messages">
        {ladder.messages.map((message, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: messages are only ever added at the end
          <li key={at}>
            <Line message={message} ladder={ladder} columns={columns} />
          </li>
        ))}
      </ol>
    </>
  );
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hour12: false,
});

type LineProps = { message: Message; ladder: Ladder; columns: string };

function Line({ message, ladder, columns }: LineProps) {
  const [isOpen, setOpen] = useState(false);
  const text = useId();
  const { from, until, isRight } = spanOf(ladder, message);
  const isRefused = /^SIP\/2\.0 [3456]/.test(message.firstLine);
  const party = partyText(ladder, message.leg);
  const way = message.direction === "sent" ? `to ${party}` : `from ${party}`;
  return (
    <>
      <UnstyledButton
        className={`${classes.row} ${classes.button}`}
        style={{ gridTemplateColumns: columns }}
        aria-expanded={isOpen}
        aria-controls={isOpen ? text : undefined}
        aria-label={`${clock.format(new Date(message.at))}, ${shortLine(message.firstLine)} ${way}`}
        onClick={() => setOpen(!isOpen)}
      >
        <Text span size="xs" c="dimmed">
          {clock.format(new Date(message.at))}
        </Text>
        <span
          className={`${classes.arrow} ${isRefused ? classes.refused : ""}`}
          // From the middle of one lane to the middle of the other.
          style={{ gridColumn: `${from + 2} / ${until + 3}`, marginInline: `${50 / (until - from + 1)}%` }}
        >
          {isRight ? `${shortLine(message.firstLine)} →` : `← ${shortLine(message.firstLine)}`}
        </span>
      </UnstyledButton>
      {isOpen && (
        <div id={text}>
          <Text size="xs" c="dimmed">
            {message.from} to {message.to}, {message.transport.toUpperCase()}
          </Text>
          <Code block className={classes.text ?? ""}>
            {message.text}
          </Code>
        </div>
      )}
    </>
  );
}
