// Callers and agents: SIPp with scenarios of this folder.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, type Server } from "./server";

/** What a telephone does. */
export type Line = {
  scenario: "hangs_up" | "stays" | "presses" | "agent";
  /** What the scenario waits, where it does. */
  waitMs?: number;
  caller?: string;
  number?: string;
  key?: string;
  /** Its own port; any free one where left out. */
  port?: number;
  /** So many of them, one each 20 ms. */
  count?: number;
  /** It ends after that time, whatever it is doing. */
  secondsMax?: number;
};

/** A SIPp at work. */
export class Telephone {
  private readonly over: Promise<number>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {
    this.over = new Promise((done) => {
      child.once("exit", (code) => done(code ?? -1));
    });
  }

  static async start(server: Server, line: Line): Promise<Telephone> {
    const folder = mkdtempSync(join(tmpdir(), "cordboard-sipp-"));
    const file = join(import.meta.dirname, `sipp/${line.scenario}.xml`);
    const count = line.count ?? 1;
    const media = await freePort();
    const child = spawn(
      "sipp",
      [
        ["-sf", file, "-i", "127.0.0.1", "-mi", "127.0.0.1", "-nostdin"],
        ["-p", String(line.port ?? (await freePort()))],
        ["-mp", String(Math.min(media - (media % 2), 60_000))],
        ["-d", String(line.waitMs ?? 0), "-m", String(count), "-r", "50", "-l", String(count)],
        ["-s", line.number ?? "nobody", "-key", "caller", line.caller ?? "+14155550123"],
        [
          "-key",
          "key",
          line.key ?? "1",
          "-timeout",
          `${line.secondsMax ?? 55}s`,
          "-trace_err",
          "-error_file",
          "errors.log",
        ],
        line.scenario === "agent" ? [] : [server.sip],
      ].flat(),
      { cwd: folder, stdio: "ignore" },
    );
    return new Telephone(child, folder);
  }

  /** Waits until its call is over, as the scenario wants it. */
  async passes(): Promise<void> {
    const code = await this.over;
    const errors = readdirSync(this.folder)
      .filter((name) => name.startsWith("errors"))
      .map((name) => readFileSync(join(this.folder, name), "utf8"));
    this.clean();
    if (code !== 0) {
      throw new Error(`sipp ended with ${code}\n${errors.join("\n").slice(0, 4_000)}`);
    }
  }

  /** Ends it, however far it has come. */
  async end(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.over;
    this.clean();
  }

  private clean(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
