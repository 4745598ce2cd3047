// What was measured, printed as a table and kept for whoever compares.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

const FILE = resolve(import.meta.dirname, "../../target/bench-console.json");

type Figure = { name: string; value: number; unit: string; bar?: string };

/** Prints a figure with what is asked for, and adds it to the file. */
export function tell(figure: Figure): void {
  const value = Math.round(figure.value * 100) / 100;
  const bar = figure.bar === undefined ? "" : `  (${figure.bar})`;
  process.stdout.write(`${figure.name.padEnd(72)} ${String(value).padStart(9)} ${figure.unit}${bar}\n`);
  mkdirSync(resolve(FILE, ".."), { recursive: true });
  const others = known().filter(({ name }) => name !== figure.name);
  writeFileSync(FILE, `${JSON.stringify([...others, { ...figure, value }], null, 2)}\n`);
}

function known(): Figure[] {
  try {
    return JSON.parse(readFileSync(FILE, "utf8")) as Figure[];
  } catch {
    return [];
  }
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
