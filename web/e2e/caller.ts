// A caller of a few lines, for calls that last until the test has seen what it wants: SIPp goes by times of its own.

import { createSocket, type Socket } from "node:dgram";

/** After that an answer will not come. */
const ANSWER_MS_MAX = 30_000;
/** A request over UDP is sent again while it is not answered (RFC 3261, timer A and E). */
const AGAIN_MS = 500;

let calls = 0;

/** A call that is in progress until it is hung up. It sends no audio. */
export class Caller {
  private readonly id = `e2e-${process.pid}-${++calls}`;
  private toTag = "";
  private readonly heard: string[] = [];
  private wake = () => {};

  private constructor(
    private readonly socket: Socket,
    private readonly sip: string,
    private readonly number: string,
    private readonly from: string,
  ) {
    socket.on("message", (bytes) => this.take(bytes.toString()));
  }

  /** Calls and waits for the answer. */
  static async call(sip: string, number: string, from: string): Promise<Caller> {
    const socket = createSocket("udp4");
    await new Promise<void>((done) => socket.bind(0, "127.0.0.1", done));
    const caller = new Caller(socket, sip, number, from);
    const sdp = [
      ...["v=0", "o=caller 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"],
      ...["m=audio 9 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000", ""],
    ].join("\r\n");
    const answer = await caller.ask("INVITE", 1, sdp);
    if (!answer.startsWith("SIP/2.0 200")) {
      throw new Error(`the call was refused:\n${answer}`);
    }
    caller.toTag = /^To:.*;tag=(\S+)/m.exec(answer)?.[1] ?? "";
    caller.send(caller.text("ACK", 1, ""));
    return caller;
  }

  /** Presses a key, by SIP INFO. */
  async press(key: string): Promise<void> {
    const body = `Signal=${key}\r\nDuration=160\r\n`;
    await this.ask("INFO", 2, body, "application/dtmf-relay");
  }

  async hangUp(): Promise<void> {
    await this.ask("BYE", 3, "");
    this.socket.close();
  }

  private async ask(method: string, cseq: number, body: string, type = "application/sdp"): Promise<string> {
    const request = this.text(method, cseq, body, type);
    const end = Date.now() + ANSWER_MS_MAX;
    while (Date.now() < end) {
      this.send(request);
      const again = Date.now() + AGAIN_MS;
      while (Date.now() < again) {
        const answer = this.heard.find((text) => text.includes(`CSeq: ${cseq} ${method}`));
        if (answer !== undefined) {
          return answer;
        }
        await this.news(again - Date.now());
      }
    }
    throw new Error(`no answer to ${method}`);
  }

  private news(most: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, most);
      this.wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }

  private take(text: string): void {
    if (text.startsWith("SIP/2.0 1")) {
      return;
    }
    if (text.startsWith("BYE ")) {
      const [head = ""] = text.split("\r\n\r\n");
      this.send(`SIP/2.0 200 OK${head.slice(head.indexOf("\r\n"))}\r\n\r\n`);
    }
    this.heard.push(text);
    this.wake();
  }

  private send(text: string): void {
    const [host = "", port = ""] = this.sip.split(":");
    this.socket.send(text, Number(port), host);
  }

  private text(method: string, cseq: number, body: string, type = "application/sdp"): string {
    const local = `127.0.0.1:${this.socket.address().port}`;
    const to = this.toTag === "" ? "" : `;tag=${this.toTag}`;
    return [
      `${method} sip:${this.number}@${this.sip} SIP/2.0`,
      `Via: SIP/2.0/UDP ${local};branch=z9hG4bK-${this.id}-${cseq}-${method}`,
      `From: <sip:${this.from}@${local}>;tag=${this.id}`,
      `To: <sip:${this.number}@${this.sip}>${to}`,
      `Call-ID: ${this.id}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:caller@${local}>`,
      "Max-Forwards: 70",
      ...(body === "" ? [] : [`Content-Type: ${type}`]),
      `Content-Length: ${body.length}`,
      "",
      body,
    ].join("\r\n");
  }
}
