// Trunks, registrations and bans as they are at this moment, trying a trunk, and carriers that are known.

import { useQuery } from "@tanstack/react-query";
import { eachLine } from "./check";
import { answer, api, ask, Problem, type Schema } from "./client";

export type TrunkState = Schema<"TrunkStateItem">;
export type Carrier = Schema<"CarrierItem">;
export type Registration = Schema<"RegistrationItem">;
export type Ban = Schema<"BanItem">;

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
export const bansKey = ["bans"] as const;

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

/** A page of who is not answered for a while. */
export function listBans(cursor: string | undefined): Promise<{ items: Ban[]; next?: string | null }> {
  return ask(api.GET("/bans", { params: { query: cursor ? { cursor } : {} } }));
}

/** Answers a host again. One whose ban has ended by itself meanwhile is answered already. */
export async function liftBan({ address }: Ban): Promise<void> {
  try {
    await ask(api.DELETE("/bans/{address}", { params: { path: { address } } }));
  } catch (error) {
    if (!(error instanceof Problem && error.status === 404)) {
      throw error;
    }
  }
}
