import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { ADA, APP, assertion, BEN, exampleSeed, IDS, keys, standIn } from "./help.mjs";

const JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const now = () => Math.floor(Date.now() / 1000);
const good = () => ({ iss: "jwt-app", sub: ADA, aud: "https://login.salesforce.com", exp: now() + 180 });

function seedWithJwt(app = {}) {
  const seed = exampleSeed();
  seed.apps.push({ clientId: "jwt-app", publicKey: keys().publicKey, ...app });
  return seed;
}

const sign = (client, claims, options) =>
  client.oauth({ grant_type: JWT, assertion: assertion(claims, options) });

test("a good assertion gives a token that opens the API, in the shape of that flow", async (t) => {
  const client = await standIn(t, { seed: seedWithJwt() });
  const { status, body } = await sign(client, good());
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body), ["access_token", "scope", "instance_url", "id", "token_type"]);
  assert.equal(body.instance_url, client.url);
  assert.equal(body.token_type, "Bearer");
  assert.match(body.id, new RegExp(`/id/00D[^/]+/${IDS.ada}$`));
  client.token = body.access_token;
  assert.equal((await client.query("SELECT COUNT() FROM Lead")).status, 200);
});

const AUDIENCES = [
  "https://login.salesforce.com",
  "https://login.salesforce.com/",
  "https://test.salesforce.com",
  ["https://test.salesforce.com"],
];
for (const aud of AUDIENCES) {
  test(`the audience ${JSON.stringify(aud)} is accepted`, async (t) => {
    const client = await standIn(t, { seed: seedWithJwt() });
    assert.equal((await sign(client, { ...good(), aud })).status, 200);
  });
}

test("the stand-in's own address is an accepted audience, as an org's own domain is", async (t) => {
  const client = await standIn(t, { seed: seedWithJwt() });
  assert.equal((await sign(client, { ...good(), aud: client.url })).status, 200);
});

const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const REFUSED = [
  ["of an unknown client", () => ({ iss: "nobody" }), {}, "invalid_client_id", "client identifier invalid"],
  ["signed with another key", () => ({}), { key: stranger }, "invalid_grant", "invalid assertion"],
  ["that claims no signature", () => ({}), { header: { alg: "none" } }, "invalid_grant", "invalid assertion"],
  [
    "signed with another algorithm by its header",
    () => ({}),
    { header: { alg: "HS256" } },
    "invalid_grant",
    "invalid assertion",
  ],
  [
    "for another audience",
    () => ({ aud: "https://example.com" }),
    {},
    "invalid_grant",
    "audience is invalid",
  ],
  ["for no audience", () => ({ aud: undefined }), {}, "invalid_grant", "audience is invalid"],
  ["whose time is over", () => ({ exp: now() - 1 }), {}, "invalid_grant", "expired authorization code"],
  [
    "that lasts longer than five minutes",
    () => ({ exp: now() + 320 }),
    {},
    "invalid_grant",
    "invalid assertion",
  ],
  ["without a time", () => ({ exp: undefined }), {}, "invalid_grant", "invalid assertion"],
  [
    "for an unknown user",
    () => ({ sub: "nobody@example.com" }),
    {},
    "invalid_grant",
    "user hasn't approved this consumer",
  ],
  ["for no user", () => ({ sub: undefined }), {}, "invalid_grant", "user hasn't approved this consumer"],
];
for (const [which, change, options, error, description] of REFUSED) {
  test(`an assertion ${which} is refused: ${error}, ${description}`, async (t) => {
    const client = await standIn(t, { seed: seedWithJwt() });
    const { status, body } = await sign(client, { ...good(), ...change() }, options);
    assert.equal(status, 400);
    assert.deepEqual(body, { error, error_description: description });
  });
}

for (const text of ["", "x", "a.b", "a.b.c", "..", `${"a".repeat(5000)}.b.c`]) {
  test(`an assertion that is ${JSON.stringify(text.slice(0, 10))} is refused and ends nothing`, async (t) => {
    const client = await standIn(t, { seed: seedWithJwt() });
    const { status, body } = await client.oauth({ grant_type: JWT, assertion: text });
    assert.equal(status, 400);
    assert.equal(body.error, text === "" ? "invalid_request" : "invalid_grant");
  });
}

test("a good assertion with a fourth part is refused", async (t) => {
  const client = await standIn(t, { seed: seedWithJwt() });
  const { body } = await client.oauth({ grant_type: JWT, assertion: `${assertion(good())}.x` });
  assert.equal(body.error_description, "invalid assertion");
});

test("a payload changed after signing is refused", async (t) => {
  const client = await standIn(t, { seed: seedWithJwt() });
  const [header, , signature] = assertion(good()).split(".");
  const forged = Buffer.from(JSON.stringify({ ...good(), sub: BEN })).toString("base64url");
  const { body } = await client.oauth({ grant_type: JWT, assertion: `${header}.${forged}.${signature}` });
  assert.equal(body.error_description, "invalid assertion");
});

test("a user whom the app has not been approved for is refused, in words that say by whom", async (t) => {
  const client = await standIn(t, { seed: seedWithJwt({ approvedUsers: [BEN] }) });
  assert.deepEqual((await sign(client, good())).body, {
    error: "invalid_grant",
    error_description: "user hasn't approved this consumer",
  });
  assert.equal((await sign(client, { ...good(), sub: BEN })).status, 200);
  await client.control("POST", "seed", { apps: [{ clientId: "jwt-app", adminApproved: true }] });
  assert.deepEqual((await sign(client, good())).body, {
    error: "invalid_app_access",
    error_description: "user is not admin approved to access this app",
  });
});

test("an inactive user gets no token by either flow", async (t) => {
  const client = await standIn(t, { seed: seedWithJwt() });
  await client.control("POST", "seed", { users: [{ Id: IDS.ada, IsActive: false }] });
  const refused = { error: "inactive_user", error_description: "user is inactive" };
  assert.deepEqual((await sign(client, good())).body, refused);
  assert.deepEqual(
    (await client.oauth({ grant_type: "client_credentials", client_id: APP.id, client_secret: APP.secret }))
      .body,
    refused,
  );
});

test("a client id and secret give a token of the app's user, from the form or from the header", async (t) => {
  const client = await standIn(t);
  const inForm = await client.oauth({
    grant_type: "client_credentials",
    client_id: APP.id,
    client_secret: APP.secret,
  });
  const basic = `Basic ${Buffer.from(`${APP.id}:${APP.secret}`).toString("base64")}`;
  const inHeader = await client.oauth({ grant_type: "client_credentials" }, { Authorization: basic });
  for (const { status, body } of [inForm, inHeader]) {
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), [
      "access_token",
      "signature",
      "scope",
      "instance_url",
      "id",
      "token_type",
      "issued_at",
    ]);
    assert.match(body.issued_at, /^\d{13}$/);
    client.token = body.access_token;
    const { body: info } = await client.call("GET", "/services/oauth2/userinfo");
    assert.equal(info.preferred_username, ADA);
    assert.equal(info.user_id, IDS.ada);
  }
});

const CREDENTIALS = [
  [
    "an unknown client",
    { client_id: "x", client_secret: APP.secret },
    "invalid_client_id",
    "client identifier invalid",
  ],
  ["no client", {}, "invalid_client_id", "client identifier invalid"],
  [
    "a wrong secret",
    { client_id: APP.id, client_secret: "x" },
    "invalid_client",
    "invalid client credentials",
  ],
  ["no secret", { client_id: APP.id }, "invalid_client", "invalid client credentials"],
  [
    "an app without a user to run as",
    { client_id: "bare", client_secret: "s" },
    "invalid_grant",
    "no client credentials user enabled",
  ],
];
for (const [which, form, error, description] of CREDENTIALS) {
  test(`client credentials with ${which} are refused: ${error}`, async (t) => {
    const seed = exampleSeed();
    seed.apps.push({ clientId: "bare", clientSecret: "s" });
    const client = await standIn(t, { seed });
    const { status, body } = await client.oauth({ grant_type: "client_credentials", ...form });
    assert.equal(status, 400);
    assert.deepEqual(body, { error, error_description: description });
  });
}

test("another grant type is refused", async (t) => {
  const client = await standIn(t);
  assert.equal((await client.oauth({ grant_type: "password" })).body.error, "unsupported_grant_type");
});

const EXPIRED = [{ message: "Session expired or invalid", errorCode: "INVALID_SESSION_ID" }];

test("a token is good for its lifetime and no longer", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "tokens", { lifetimeSeconds: 60 });
  await client.signIn();
  assert.equal((await client.data("GET", "/limits")).status, 200);
  const start = Date.now();
  client.org.now = () => start + 60_001;
  const { status, body } = await client.data("GET", "/limits");
  assert.equal(status, 401);
  assert.deepEqual(body, EXPIRED);
});

test("revoking all tokens closes every session", async (t) => {
  const client = await standIn(t);
  assert.deepEqual(await client.control("DELETE", "tokens"), { revoked: 1 });
  assert.deepEqual((await client.data("GET", "/limits")).body, EXPIRED);
});

test("a user made inactive keeps no session", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "seed", { users: [{ Id: IDS.ada, IsActive: false }] });
  assert.deepEqual((await client.data("GET", "/limits")).body, EXPIRED);
});

const HEADERS = [
  ["none", {}, "INVALID_AUTH_HEADER"],
  ["of another kind", { Authorization: "Basic eDp5" }, "INVALID_AUTH_HEADER"],
  ["of an unknown token", { Authorization: "Bearer x" }, "INVALID_SESSION_ID"],
];
for (const [which, headers, code] of HEADERS) {
  test(`an Authorization header ${which} is answered with 401 ${code}`, async (t) => {
    const client = await standIn(t);
    client.token = null;
    const { status, body } = await client.data("GET", "/limits", undefined, { headers });
    assert.equal(status, 401);
    assert.equal(body[0].errorCode, code);
  });
}

test("userinfo without a good token is refused", async (t) => {
  const client = await standIn(t);
  client.token = "x";
  const { status, text } = await client.call("GET", "/services/oauth2/userinfo");
  assert.deepEqual([status, text], [403, "Bad_OAuth_Token"]);
});

test("an org without the API, and a user without it, are turned away after signing in", async (t) => {
  const client = await standIn(t);
  await client.control("POST", "seed", { users: [{ Id: IDS.ada, apiDisabled: true }] });
  const user = await client.data("GET", "/limits");
  assert.deepEqual([user.status, user.body[0].errorCode], [403, "API_CURRENTLY_DISABLED"]);
  await client.control("POST", "seed", { users: [{ Id: IDS.ada, apiDisabled: false }], apiDisabled: true });
  const org = await client.data("GET", "/limits");
  assert.deepEqual([org.status, org.body[0].errorCode], [403, "API_DISABLED_FOR_ORG"]);
});
