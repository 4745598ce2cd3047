// The stand-in for Salesforce (tests/salesforce), with its example org.

import { type ChildProcess, spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const FOLDER = resolve(import.meta.dirname, "../../tests/salesforce");

/** The connected app of the example org. */
export const APP = { id: "cordboard-test-app", secret: "cordboard-test-secret" };
/** A contact of the example org, by the number that calls; she belongs to Ada. */
export const GRACE = { number: "+14155550103", id: "003Hs000000001AIAQ", name: "Grace Lindqvist" };
export const ADA = "005Hs000000001AIAQ";

type Task = { Id: string; Subject: string; OwnerId: string; WhoId: string | null };

/** See the file. */
export class StandIn {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(): Promise<StandIn> {
    const seed = join(FOLDER, "seed.example.json");
    // It ends with its standard input.
    const child = spawn("node", [join(FOLDER, "server.mjs"), "--seed", seed], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      const { url } = JSON.parse(line) as { url: string };
      return new StandIn(child, url);
    }
    throw new Error("the stand-in for Salesforce did not start");
  }

  stop(): void {
    this.child.kill("SIGTERM");
  }

  /** Arranges what the org does. */
  async control(path: string, body?: object, method = body ? "POST" : "GET"): Promise<unknown> {
    const init = { method, ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(`${this.url}/_control/${path}`, init);
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${text}`);
    }
    return text === "" ? null : JSON.parse(text);
  }

  async endTrouble(): Promise<void> {
    await this.control("trouble", undefined, "DELETE");
    await this.control("seed", { rules: [] });
  }

  /** Tasks with that subject. */
  async tasks(subject: string): Promise<Task[]> {
    const path = `records?object=Task&field=Subject&value=${encodeURIComponent(subject)}`;
    return ((await this.control(path)) as { records: Task[] }).records;
  }
}
