/** A sample of the figures page: its name, its labels, its value. */
export type Sample = { name: string; labels: Record<string, string>; value: number };

/** Reads figures as Prometheus has them (text); lines that are none are passed over. */
export function readFigures(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    const value = Number(found?.[3]);
    if (!found?.[1] || Number.isNaN(value)) {
      return [];
    }
    const pairs = [...(found[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    const labels = Object.fromEntries(pairs.map(([, name, label]) => [name, label]));
    return [{ name: found[1], labels, value }];
  });
}

/** The sum of the samples of that name with those labels; undefined where there is none. */
export function figure(
  samples: readonly Sample[],
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const fitting = samples.filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  return fitting.length === 0 ? undefined : fitting.reduce((sum, sample) => sum + sample.value, 0);
}

/** The share of one core that was taken between two looks at CPU time (`at` in milliseconds); null where it was started anew. */
export function cpuShare(
  before: { seconds: number; at: number },
  now: { seconds: number; at: number },
): number | null {
  const [taken, passed] = [now.seconds - before.seconds, (now.at - before.at) / 1_000];
  return taken < 0 || passed <= 0 ? null : taken / passed;
}
