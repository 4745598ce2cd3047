import { Text } from "@mantine/core";
import { IconFlag } from "@tabler/icons-react";
import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import { memo } from "react";
import { kindWords } from "../flow/catalogue";
import { commentOf, type Step } from "../flow/document";
import { type Port, portsOf } from "../flow/ports";
import { summaryOf } from "../flow/summary";
import { GROUP_COLORS, kindIcon } from "./kindIcons";
import { type PortMark, STATE_WORDS, type StepMark } from "./marks";
import classes from "./StepNode.module.css";

export type StepNodeData = {
  step: Step;
  name: string;
  isEntry: boolean;
  isFallback: boolean;
  readOnly: boolean;
  /** For each port that is not connected, where it falls to. */
  falls: Record<string, string>;
  mark: StepMark | undefined;
};

export type StepNodeType = Node<StepNodeData, "step">;

/** A step on the canvas: what it is, what it is set to, and its ports by name. */
export const StepNode = memo(function StepNode({ data, selected }: NodeProps<StepNodeType>) {
  const { step, mark } = data;
  const { label, group } = kindWords(step.type);
  const Icon = kindIcon(step.type);
  const color = GROUP_COLORS[group];
  const comment = commentOf(step);
  return (
    <div className={classes.step} data-selected={selected || undefined} data-state={mark?.state}>
      <Handle
        type="target"
        position={Position.Left}
        id="in"
        className={classes.in ?? ""}
        isConnectable={!data.readOnly}
        isConnectableStart={false}
      />
      <div className={classes.head}>
        <span
          className={classes.icon}
          style={{
            background: `var(--mantine-color-${color}-light)`,
            color: `var(--mantine-color-${color}-light-color)`,
          }}
        >
          <Icon size={18} stroke={1.7} aria-hidden />
        </span>
        <div className={classes.words}>
          <div className={classes.name} title={data.name}>
            {data.name}
          </div>
          {isLong(mark) ? (
            <div className={classes.summary} data-state={mark?.state} title={mark?.text}>
              {mark?.text}
            </div>
          ) : (
            <div className={classes.summary} title={summaryOf(step)}>
              {summaryOf(step) || label}
            </div>
          )}
        </div>
        <Badges data={data} />
      </div>
      {comment && (
        <div className={classes.comment} title={comment}>
          {comment}
        </div>
      )}
      {portsOf(step).map((port) => (
        <PortRow
          key={port.name}
          port={port}
          falls={data.falls[port.name]}
          mark={mark?.ports?.[port.name]}
          readOnly={data.readOnly}
        />
      ))}
    </div>
  );
});

/** Words of a mark beside a count: there is no room for them next to the name. */
function isLong(mark: StepMark | undefined): boolean {
  return mark?.count !== undefined && (mark.text?.length ?? 0) > 2;
}

function Badges({ data }: { data: StepNodeData }) {
  const { mark } = data;
  return (
    <>
      {data.isEntry && (
        <span className={classes.badge} title="The call begins here">
          <IconFlag size={12} aria-hidden /> Start
        </span>
      )}
      {data.isFallback && (
        <span className={classes.badge} title="Ports that are not connected lead here">
          Fallback
        </span>
      )}
      {(mark?.count !== undefined || mark?.text) && (
        <span className={classes.badge} data-state={mark.state}>
          {mark.count?.toLocaleString()} {isLong(mark) ? "" : mark.text}
        </span>
      )}
      {mark?.state && <span className={classes.hidden}>{STATE_WORDS[mark.state]}</span>}
    </>
  );
}

type PortRowProps = { port: Port; falls: string | undefined; mark: PortMark | undefined; readOnly: boolean };

function PortRow({ port, falls, mark, readOnly }: PortRowProps) {
  const isOpen = falls !== undefined;
  return (
    <div
      className={classes.port}
      data-open={isOpen || undefined}
      data-side={port.isSide || undefined}
      data-state={mark?.state}
    >
      <span className={classes.portName} title={port.label}>
        {port.label}
      </span>
      {mark?.count !== undefined && <span className={classes.count}>{mark.count.toLocaleString()}</span>}
      {(mark?.text || isOpen) && (
        <Text
          component="span"
          className={classes.falls ?? ""}
          title={isOpen ? `Not connected: ${falls}` : undefined}
        >
          {mark?.text ?? `→ ${falls}`}
        </Text>
      )}
      <Handle
        type="source"
        position={Position.Right}
        id={port.name}
        className={classes.out ?? ""}
        isConnectable={!readOnly}
        isConnectableEnd={false}
      />
    </div>
  );
}
