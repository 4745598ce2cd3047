// A simulated call of the draft: what was put in is kept, so that it can become a test.

import { useCallback, useEffect, useRef, useState } from "react";
import { api, ask, type Schema } from "../api/client";
import { pathMarks, type Rung } from "../flow/ladder";
import { asBody } from "./findings";
import type { Builder } from "./store";

export type Input = Schema<"SimulationInput">;
export type State = Schema<"SimulationState">;

export type ScheduleState = "open" | "closed" | "holiday";

export type Setting = {
  from: string;
  to: string;
  at: string;
  /** What is assumed of schedules, by id. */
  schedules: Record<string, ScheduleState>;
};

export type Simulation = {
  state: State | null;
  rungs: Rung[];
  inputs: Input[];
  setting: Setting | null;
  error: Error | null;
  isBusy: boolean;
  begin: (setting: Setting) => Promise<void>;
  put: (input: Input) => Promise<void>;
  end: () => void;
};

/** `heard` gets what happened anew, `follow` the step that the call is in. */
export function useSimulation(
  builder: Builder,
  heard: (rungs: Rung[]) => void,
  follow: (step: string) => void,
): Simulation {
  const [state, setState] = useState<State | null>(null);
  const [rungs, setRungs] = useState<Rung[]>([]);
  const [inputs, setInputs] = useState<Input[]>([]);
  const [setting, setSetting] = useState<Setting | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [isBusy, setBusy] = useState(false);
  const open = useRef<string | null>(null);

  const take = useCallback(
    (next: State, before: Rung[]) => {
      const fresh = next.events as unknown as Rung[];
      const all = [...before, ...fresh];
      setState(next);
      setRungs(all);
      builder.store.setState({ marks: pathMarks(all, next.outcome != null) });
      heard(fresh);
      if (next.step != null) {
        follow(next.step.id);
      }
    },
    [builder, heard, follow],
  );
  const guard = useCallback(async (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (problem) {
      setError(problem instanceof Error ? problem : new Error("That did not work."));
    } finally {
      setBusy(false);
    }
  }, []);
  const forget = useCallback(() => {
    if (open.current !== null) {
      // One that is not forgotten is gone by itself after a quarter of an hour.
      ask(api.DELETE("/simulations/{id}", { params: { path: { id: open.current } } })).catch(() => undefined);
      open.current = null;
    }
  }, []);
  useEffect(() => forget, [forget]);

  const begin = (next: Setting) =>
    guard(async () => {
      forget();
      const { from, to, at, schedules } = next;
      const document = asBody(builder.store.getState().document);
      // The types made of the API's document let no map have anything in it.
      const assumed = schedules as Schema<"NewSimulation">["schedules"];
      const body = {
        document,
        ...(from && { from }),
        ...(to && { to }),
        ...(at && { at }),
        ...(assumed && { schedules: assumed }),
        seed: 1,
      };
      const first = await ask(api.POST("/simulations", { body }));
      open.current = first.id;
      setInputs([]);
      setSetting(next);
      take(first, []);
    });
  const put = (input: Input) =>
    guard(async () => {
      if (state === null) {
        return;
      }
      const next = await ask(
        api.POST("/simulations/{id}/input", { params: { path: { id: state.id } }, body: input }),
      );
      setInputs((before) => [...before, input]);
      take(next, rungs);
    });
  const end = () => {
    forget();
    setState(null);
    setRungs([]);
    builder.store.setState({ marks: null });
  };
  return { state, rungs, inputs, setting, error, isBusy, begin, put, end };
}
