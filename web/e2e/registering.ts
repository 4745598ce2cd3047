// A telephone that registers, as far as a registrar can tell: two requests over UDP, with digest (RFC 3261 22.4, MD5). And a
// scanner, as far as one can be told.

import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

/** Registers as that user, and gives the address that it came from. */
export async function register(server: string, user: string, password: string): Promise<string> {
  const [host = "", port = ""] = server.split(":");
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const local = `127.0.0.1:${socket.address().port}`;
  const uri = "sip:cordboard.example";
  const send = async (cseq: number, authorization: string): Promise<string> => {
    const lines = [
      `REGISTER ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${local};branch=z9hG4bK${cseq}${socket.address().port};rport`,
      `From: <sip:${user}@cordboard.example>;tag=t`,
      `To: <sip:${user}@cordboard.example>`,
      `Call-ID: register-${local}`,
      `CSeq: ${cseq} REGISTER`,
      "Max-Forwards: 70",
      `Contact: <sip:${user}@${local}>;+sip.instance="<urn:uuid:0e2a4b1c-7d1f-4f5e-9d43-0c5a3f1e2b7a>"`,
      "Expires: 600",
      "User-Agent: Desk telephone 7.1",
      ...(authorization === "" ? [] : [authorization]),
      "Content-Length: 0",
    ];
    socket.send(`${lines.join("\r\n")}\r\n\r\n`, Number(port), host);
    const [answer] = (await once(socket, "message", { signal: AbortSignal.timeout(10_000) })) as [Buffer];
    return answer.toString();
  };
  try {
    const challenge = await send(1, "");
    const value = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? "";
    const [realm, nonce, cnonce] = [value("realm"), value("nonce"), "0a4f113b"];
    const secret = md5(`${user}:${realm}:${password}`);
    const response = md5(`${secret}:${nonce}:00000001:${cnonce}:auth:${md5(`REGISTER:${uri}`)}`);
    const answer = await send(
      2,
      `Authorization: Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", ` +
        `response="${response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="${cnonce}", opaque="${value("opaque")}"`,
    );
    if (!answer.startsWith("SIP/2.0 200")) {
      throw new Error(`the registration was refused:\n${answer}`);
    }
    return local;
  } finally {
    socket.close();
  }
}

/** Asks so many times from that loopback address, as a scanner that says so; nothing answers it. */
export async function scan(server: string, from: string, times: number): Promise<void> {
  const [host = "", port = ""] = server.split(":");
  const socket = createSocket("udp4");
  socket.bind(0, from);
  await once(socket, "listening");
  const local = `${from}:${socket.address().port}`;
  try {
    for (let cseq = 1; cseq <= times; cseq++) {
      const lines = [
        "OPTIONS sip:100@cordboard.example SIP/2.0",
        `Via: SIP/2.0/UDP ${local};branch=z9hG4bK${cseq}${socket.address().port};rport`,
        "From: <sip:100@cordboard.example>;tag=t",
        "To: <sip:100@cordboard.example>",
        `Call-ID: scan-${local}`,
        `CSeq: ${cseq} OPTIONS`,
        "Max-Forwards: 70",
        "User-Agent: friendly-scanner",
        "Content-Length: 0",
      ];
      await new Promise((sent) => socket.send(`${lines.join("\r\n")}\r\n\r\n`, Number(port), host, sent));
    }
  } finally {
    socket.close();
  }
}
