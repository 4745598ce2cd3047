import { Badge, Group, Text } from "@mantine/core";
import { durationText, secondsBetween, timeText, useNow } from "../ui/moments";
import type { StepNames } from "./flowNames";
import classes from "./PathList.module.css";
import type { Visit } from "./path";
import { kindText, portText, sourceText } from "./words";

type PathListProps = {
  visits: Visit[];
  /** The flow and version that the call began with. */
  flow: string | null | undefined;
  version: number | null | undefined;
  names: StepNames;
  /** What stands at the last step where the call ended in it. */
  end?: string | undefined;
  /** In progress: the last step is where it is now. */
  isLive?: boolean;
};

/** The way of a call, step by step. */
export function PathList({ visits, flow, version, names, end, isLive = false }: PathListProps) {
  return (
    <ol className={classes.list} aria-label="Steps of the call">
      {visits.map((visit, at) => {
        const words = names(visit.flow ?? flow, visit.version ?? version, visit.step);
        const isLast = at === visits.length - 1;
        const isHere = isLive && visit.leftAt === undefined;
        const mark = visit.failure ? classes.failed : isHere ? classes.here : "";
        return (
          // A call may be in the same step twice within a millisecond; only the place in the list tells them apart.
          // biome-ignore lint/suspicious/noArrayIndexKey: steps are only ever added at the end
          <li key={at} className={`${classes.item} ${mark}`} aria-current={isHere ? "step" : undefined}>
            <Group gap="xs">
              <Text fw={600}>{visit.name || words?.name || visit.step}</Text>
              {(visit.kind || words?.kind) && (
                <Text size="sm" c="dimmed">
                  {kindText(visit.kind || (words?.kind ?? ""))}
                </Text>
              )}
              {visit.flow && (
                <Badge variant="default" size="sm" tt="none">
                  in {visit.flow}, version {visit.version}
                </Badge>
              )}
            </Group>
            <Text size="sm" c="dimmed">
              {timeText(visit.enteredAt)},{" "}
              {isHere ? <Running since={visit.enteredAt} /> : <Spent visit={visit} />}
            </Text>
            <Keys visit={visit} />
            <Replies visit={visit} />
            {visit.failure && (
              <Text size="sm" c="var(--mantine-color-error)">
                Could not do its work: {visit.failure.message} ({visit.failure.code})
              </Text>
            )}
            <Left visit={visit} label={words?.ports.get(visit.port ?? "")} end={isLast ? end : undefined} />
          </li>
        );
      })}
    </ol>
  );
}

function Running({ since }: { since: string }) {
  const now = useNow();
  return <>here for {durationText(secondsBetween(since, now))}</>;
}

function Spent({ visit }: { visit: Visit }) {
  if (visit.leftAt === undefined) {
    return null;
  }
  const seconds = secondsBetween(visit.enteredAt, visit.leftAt);
  return <>{seconds < 1 ? "at once" : `for ${durationText(seconds)}`}</>;
}

function Keys({ visit }: { visit: Visit }) {
  if (visit.keys.length === 0) {
    return null;
  }
  const sources = [...new Set(visit.keys.map((key) => sourceText(key.source)))];
  return (
    <Text size="sm" component="div">
      Pressed{" "}
      {visit.keys.map((key, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: keys are only ever added at the end
        <span key={at} className={classes.key} title={`${timeText(key.at)}, ${sourceText(key.source)}`}>
          {key.digit}
        </span>
      ))}
      <Text span size="sm" c="dimmed">
        by {sources.join(" and ")}
      </Text>
    </Text>
  );
}

function Replies({ visit: { replies = [], vars = [] } }: { visit: Visit }) {
  return (
    <>
      {replies.map(({ asked, result, ms }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: replies are only ever added at the end
        <Text key={at} size="sm">
          {kindText(asked)} answered {result}{" "}
          <Text span size="sm" c="dimmed">
            after {(ms / 1_000).toFixed(1)} s
          </Text>
        </Text>
      ))}
      {vars.map(({ name, value }) => (
        <Text key={name} size="sm" style={{ overflowWrap: "anywhere" }}>
          <Text span size="sm" c="dimmed">
            {name}:
          </Text>{" "}
          {value}
        </Text>
      ))}
    </>
  );
}

function Left({ visit, label, end }: { visit: Visit; label: string | undefined; end: string | undefined }) {
  if (visit.port !== undefined) {
    return <Text size="sm">Left by: {portText(visit.port, label || undefined)}</Text>;
  }
  return end ? (
    <Text size="sm" fw={600}>
      {end}
    </Text>
  ) : null;
}
