// Trunks and registrations as they are at this moment, trying a trunk, and carriers that are known.

import { useQuery } from "@tanstack/react-query";
import { eachLine } from "./check";
import { answer, api, ask, type Schema } from "./client";

export type TrunkState = Schema<"TrunkStateItem">;
export type Carrier = Schema<"CarrierItem">;
export type Registration = Schema<"RegistrationItem">;

/** A step of a trunk's test. It comes as `running` when it begins, and again with what became of it. */
export type TrunkStep = {
  step: string;
  name: string;
  /** Where it went, where there may be several. */
  target?: string;
  outcome: "running" | "ok" | "failed" | "skipped";
  text: string;
  remedy?: string;
};

export const trunkStatesKey = ["trunk-states"] as const;
export const registrationsKey = ["registrations"] as const;

const EVERY_MS = 5_000;

/** How all trunks are; looked at again and again, as it changes by itself. */
export function useTrunkStates() {
  return useQuery({
    queryKey: trunkStatesKey,
    queryFn: async () => (await ask(api.GET("/trunk-states"))).items,
    refetchInterval: EVERY_MS,
  });
}

/** Tries the registration with a trunk now, also where it was given up. */
export async function registerWithTrunk(id: string): Promise<void> {
  await ask(api.POST("/trunks/{id}/register", { params: { path: { id } } }));
}

/** Has the server try a trunk, and hands each step on as it comes. The test is given up where `signal` says so. */
export async function testTrunk(
  id: string,
  tell: (step: TrunkStep) => void,
  signal: AbortSignal,
): Promise<void> {
  const request = api.POST("/trunks/{id}/test", { params: { path: { id } }, parseAs: "stream", signal });
  const { data } = await answer(request);
  if (data) {
    await eachLine(data as ReadableStream<Uint8Array>, (line) => tell(JSON.parse(line) as TrunkStep));
  }
}

/** Carriers and PBXs that are known, with what a trunk of each begins with. */
export function useCarriers(isWanted: boolean) {
  return useQuery({
    queryKey: ["carriers"],
    queryFn: async () => (await ask(api.GET("/carriers"))).items,
    staleTime: Number.POSITIVE_INFINITY,
    enabled: isWanted,
  });
}

/** A page of what is registered with this server; of one account where it is named. */
export function listRegistrations(
  account: string,
  cursor: string | undefined,
  limit?: number,
): Promise<{ items: Registration[]; next?: string | null }> {
  const query = { ...(account && { account }), ...(cursor && { cursor }), ...(limit && { limit }) };
  return ask(api.GET("/registrations", { params: { query } }));
}

/** Has an account rung there no more. */
export async function removeRegistration({ account, id }: Registration): Promise<void> {
  await ask(api.DELETE("/registrations/{account}/{id}", { params: { path: { account, id } } }));
}
