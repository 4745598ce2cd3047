// The real server in a folder of its own, with the demo's numbers and flows, one flow for these tests, and free ports.

import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ADA, APP, type StandIn } from "./standIn";

const ROOT = resolve(import.meta.dirname, "../..");
const START_MS_MAX = 90_000;

/** Reaches the flow `desk`: a greeting, then a menu that waits. */
export const DESK = "+15550190";
/** Reaches the demo's music, which plays until the caller hangs up. */
export const MUSIC = "+15550102";

/** Where there is a CRM: reaches the flow `known`, which asks it who calls. */
export const KNOWN = "+15550191";

/** Sends back all that its callers say; of the demo. */
export const ECHO = "+15550101";

/** An agent whose telephone registers. */
export const ERIN = { id: "erin", password: "s3cret" };

export const USER = { login: "ann", name: "Ann Admin", password: "a long enough password" };

export class Server {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    /** Where the console is. */
    readonly url: string,
    /** Where calls go. */
    readonly sip: string,
    /** Where the agent `dora` is called; a test may put a telephone there. Nobody is ever where `carol` is called. */
    readonly agentPort: number,
  ) {}

  /** Starts one and waits until it takes calls. `CORDBOARD` names the binary. */
  static async start(crm: StandIn | null): Promise<Server> {
    const binary = process.env.CORDBOARD ?? join(ROOT, "target/debug/cordboard");
    const folder = mkdtempSync(join(tmpdir(), "cordboard-console-"));
    const [http = 0, sip = 0, agent = 0, nobody = 0, media = 0] = await freePorts(5);
    provision(folder, { carol: nobody, dora: agent }, crm !== null);
    // Ports for audio from an even one on; what others hold is skipped.
    const first = Math.min(media - (media % 2), 62_000);
    writeFileSync(
      join(folder, "cordboard.toml"),
      `[sip]
domain = "cordboard.example"
[[sip.listen]]
transport = "udp"
bind = "127.0.0.1:${sip}"
[media]
bind = "127.0.0.1"
ports = [${first}, ${first + 2_999}]
threads = 1
[http]
bind = "127.0.0.1:${http}"
[records]
path = "calls.jsonl"
[speech]
command = ["espeak-ng", "--stdin", "--stdout", "-v", "{language}"]
[store]
url = "sqlite://cordboard.db"
node = "test"
[provision]
dir = "demo"
mode = "seed"
${crm ? salesforce(crm.url) : ""}`,
    );
    const log = join(folder, "log");
    writeFileSync(log, "");
    const child = spawn(binary, ["serve", "--config", join(folder, "cordboard.toml")]);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (piece: Buffer) => appendFileSync(log, piece));
    }
    const server = new Server(child, folder, `http://127.0.0.1:${http}`, `127.0.0.1:${sip}`, agent);
    try {
      await server.waitReady();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** CPU time that its threads whose name begins so have taken, in ticks of 10 ms. */
  ticksOf(name: string): number {
    const tasks = `/proc/${this.child.pid}/task`;
    const stats = readdirSync(tasks).map((task) => readFileSync(`${tasks}/${task}/stat`, "utf8"));
    const own = stats.filter((stat) => stat.slice(stat.indexOf("(") + 1).startsWith(name));
    const ticks = own.map((stat) => {
      // Behind the name in brackets: state is the first, user and system time are the twelfth and thirteenth.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(fields[11]) + Number(fields[12]);
    });
    return ticks.reduce((sum, each) => sum + each, 0);
  }

  log(): string {
    return readFileSync(join(this.folder, "log"), "utf8");
  }

  /** The link that makes the first user, without its host. */
  setUpPath(): string {
    const link = /link=\S*(\/setup\?token=\w+)/.exec(this.log());
    if (!link?.[1]) {
      throw new Error(`there is no link in the log:\n${this.log()}`);
    }
    return link[1];
  }

  async stop(): Promise<void> {
    const ended =
      this.child.exitCode === null ? new Promise((done) => this.child.once("exit", done)) : Promise.resolve();
    // The second one does not wait for calls in progress.
    this.child.kill("SIGTERM");
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), 5_000);
    await ended;
    clearTimeout(timer);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async waitReady(): Promise<void> {
    const end = Date.now() + START_MS_MAX;
    while (!/setup\?token=/.test(this.log())) {
      if (this.child.exitCode !== null || Date.now() > end) {
        throw new Error(`the server did not start:\n${this.log()}`);
      }
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

function salesforce(url: string): string {
  return `[salesforce]
login_url = "${url}"
client_id = "${APP.id}"
client_secret = "${APP.secret}"
task_id_field = "Cordboard_Call_Id__c"
`;
}

function provision(folder: string, agents: { carol: number; dora: number }, hasCrm: boolean): void {
  const demo = join(folder, "demo");
  // The demo's prompts may lie elsewhere in the tree, behind a link.
  cpSync(join(ROOT, "config/demo"), demo, { recursive: true, dereference: true });
  // Other loopback addresses are strangers' here.
  const trunks = join(demo, "trunks.toml");
  writeFileSync(trunks, readFileSync(trunks, "utf8").replace('"127.0.0.0/8"', '"127.0.0.1"'));
  copyFileSync(join(import.meta.dirname, "flows/desk.json"), join(demo, "flows/desk.json"));
  appendFileSync(
    join(demo, "numbers.toml"),
    `\n[[number]]\ne164 = "${DESK}"\nflow = "desk"\nlabel = "Desk"\n`,
  );
  if (hasCrm) {
    copyFileSync(join(import.meta.dirname, "flows/known.json"), join(demo, "flows/known.json"));
    appendFileSync(
      join(demo, "numbers.toml"),
      `\n[[number]]\ne164 = "${KNOWN}"\nflow = "known"\nlabel = "Known"\n`,
    );
  }
  appendFileSync(
    join(demo, "agents.toml"),
    `
[[agent]]
id = "carol"
name = "Carol Chandler"
uri = "sip:carol@127.0.0.1:${agents.carol}"
[[agent]]
id = "dora"
name = "Dora Dean"
uri = "sip:dora@127.0.0.1:${agents.dora}"
crm_user = "${ADA}"
[[agent]]
id = "${ERIN.id}"
name = "Erin Ellis"
password = "${ERIN.password}"
`,
  );
}

/** Ports that nobody has, by UDP or TCP. */
async function freePorts(count: number): Promise<number[]> {
  const held: { port: number; free: () => Promise<void> }[] = [];
  while (held.length < count) {
    const found = await hold();
    if (found) {
      held.push(found);
    }
  }
  // Held until all are found, so that none is found twice.
  await Promise.all(held.map(({ free }) => free()));
  return held.map(({ port }) => port);
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port ?? 0;
}

/** Binds a port for TCP and for UDP; null where only one of the two is free. */
async function hold(): Promise<{ port: number; free: () => Promise<void> } | null> {
  const tcp = createServer();
  await new Promise<void>((done, failed) => {
    tcp.once("error", failed);
    tcp.listen(0, "127.0.0.1", done);
  });
  const address = tcp.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const closeTcp = () => new Promise<void>((done) => tcp.close(() => done()));
  const udp = createSocket("udp4");
  const isFree = await new Promise<boolean>((done) => {
    udp.once("error", () => done(false));
    udp.bind(port, "127.0.0.1", () => done(true));
  });
  const closeUdp = () => new Promise<void>((done) => udp.close(() => done()));
  if (!isFree) {
    await closeTcp();
    return null;
  }
  return { port, free: async () => void (await Promise.all([closeTcp(), closeUdp()])) };
}
