import "uplot/dist/uPlot.min.css";
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import type { Bucket } from "./traffic";

const HEIGHT = 220;

type TrafficChartProps = { buckets: Bucket[]; unit: "day" | "hour" };

/** Calls and, of these, abandoned ones as bars. The table beside it says the same to those who do not see it. */
export function TrafficChart({ buckets, unit }: TrafficChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light");
  useEffect(() => {
    const element = frame.current;
    if (element === null) {
      return;
    }
    const colors = scheme === "dark" ? DARK : LIGHT;
    const chart = new uPlot(options(unit, element.clientWidth, colors, buckets), dataOf(buckets), element);
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [buckets, unit, scheme]);
  return <div ref={frame} aria-hidden style={{ minWidth: 0, minHeight: HEIGHT + 40 }} />;
}

type Colors = { text: string; grid: string; calls: string; abandoned: string };

const LIGHT: Colors = { text: "#495057", grid: "#e9ecef", calls: "#1a5fbf", abandoned: "#e8590c" };
const DARK: Colors = { text: "#c9c9c9", grid: "#3b3b3b", calls: "#4f8ce7", abandoned: "#ff922b" };

function dataOf(buckets: Bucket[]): uPlot.AlignedData {
  return [
    buckets.map((_, at) => at),
    buckets.map((bucket) => bucket.calls),
    buckets.map((bucket) => bucket.abandoned),
  ];
}

function options(
  unit: TrafficChartProps["unit"],
  width: number,
  colors: Colors,
  buckets: Bucket[],
): uPlot.Options {
  const bars = uPlot.paths.bars?.({ size: [0.7, 48] });
  const axis = {
    stroke: colors.text,
    grid: { stroke: colors.grid, width: 1 },
    ticks: { stroke: colors.grid },
  };
  const series = (label: string, color: string): uPlot.Series => ({
    label,
    stroke: color,
    fill: color,
    points: { show: false },
    ...(bars && { paths: bars }),
  });
  return {
    width,
    height: HEIGHT,
    // Places in the list: days are not all of one length.
    scales: {
      x: { time: false, range: () => [-0.6, buckets.length - 0.4] },
      y: { range: (_chart, _least, most) => [0, Math.max(4, Math.ceil(most * 1.1))] },
    },
    axes: [
      {
        ...axis,
        space: unit === "day" ? 76 : 44,
        incrs: [1, 2, 3, 4, 7, 14, 30],
        values: (_chart, places) => places.map((place) => buckets[place]?.label ?? ""),
      },
      { ...axis, size: 48, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000] },
    ],
    series: [
      { label: unit === "day" ? "Day" : "Hour", value: (_chart, place) => buckets[place]?.label ?? "" },
      series("Calls", colors.calls),
      series("Abandoned", colors.abandoned),
    ],
    cursor: { drag: { x: false, y: false }, points: { show: false } },
  };
}
