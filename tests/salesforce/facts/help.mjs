// What the tests share: a stand-in of their own with the example's org, and requests to it.
import { createSign, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { start } from "../server.mjs";

const VERSION = "v60.0";
export const APP = { id: "cordboard-test-app", secret: "cordboard-test-secret" };
export const ADA = "ada.marsh@example.com";
export const BEN = "ben.okoro@example.com";

/** Records of the example's org by what they are in it. */
export const IDS = {
  ada: "005Hs000000001AIAQ",
  ben: "005Hs000000001BIAQ",
  account: "001Hs000000001AIAQ",
  grace: "003Hs000000001AIAQ",
  jonas: "00QHs000000001AMAQ",
  kai: "00QHs000000001BMAQ",
  converted: "00QHs000000001CMAQ",
  opportunity: "006Hs000000001AIAQ",
};

export const exampleSeed = () =>
  JSON.parse(readFileSync(new URL("../seed.example.json", import.meta.url), "utf8"));

/** A stand-in that ends with the test; signed in as Ada unless told otherwise. */
export async function standIn(t, { seed = exampleSeed(), rng = 1 } = {}) {
  const { url, org, close } = await start({ seed, rng });
  t.after(close);
  const client = new Client(url, org);
  if (org.apps.has(APP.id)) await client.signIn();
  return client;
}

class Client {
  constructor(url, org) {
    this.url = url;
    this.org = org;
    this.token = null;
  }

  async signIn() {
    const { body } = await this.oauth({
      grant_type: "client_credentials",
      client_id: APP.id,
      client_secret: APP.secret,
    });
    this.token = body.access_token;
  }

  /** A request of the data API: the path is what follows the version. */
  data(method, path, body, options = {}) {
    return this.call(method, `/services/data/${options.version ?? VERSION}${path}`, body, options);
  }

  query(soql, options) {
    return this.data("GET", `/query?q=${encodeURIComponent(soql)}`, undefined, options);
  }

  call(method, path, body, { headers = {}, signal } = {}) {
    const about = { ...(this.token ? { Authorization: `Bearer ${this.token}` } : {}) };
    if (body !== undefined) about["Content-Type"] = "application/json";
    const content = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    return this.#send(path, {
      method,
      body: content,
      headers: { ...about, ...headers },
      signal,
      redirect: "manual",
    });
  }

  oauth(form, headers = {}) {
    return this.#send("/services/oauth2/token", { method: "POST", body: new URLSearchParams(form), headers });
  }

  async control(method, name, body) {
    const answer = await this.#send(`/_control/${name}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (answer.status !== 200) throw new Error(`control ${name}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async #send(path, options) {
    const response = await fetch(this.url + path, options);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: parsed(text) };
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A pair of keys for assertions, made once: making one takes a while. */
let pair;
export const keys = () =>
  (pair ??= generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  }));

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A signed assertion. */
export function assertion(claims, { header = { alg: "RS256" }, key = keys().privateKey } = {}) {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(key).toString("base64url")}`;
}
