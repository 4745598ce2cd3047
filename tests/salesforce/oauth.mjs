// Tokens: given for a signed assertion or for a client's secret, kept with their time of death.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { OAuthError } from "./errors.mjs";
import { checkAssertion } from "./jwt.mjs";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

export function tokenRequest(org, form, authorization) {
  const grant = form.get("grant_type");
  if (grant === JWT_BEARER) return give(org, ...byAssertion(org, form));
  if (grant === "client_credentials") return give(org, ...bySecret(org, form, authorization));
  throw new OAuthError("unsupported_grant_type", "grant type not supported");
}

function byAssertion(org, form) {
  const assertion = form.get("assertion");
  if (!assertion) throw new OAuthError("invalid_request", "must provide assertion");
  const { app, claims } = checkAssertion(org, assertion);
  const user = org.userByName(claims.sub ?? claims.prn);
  if (!user) throw new OAuthError("invalid_grant", "user hasn't approved this consumer");
  needActive(user);
  needApproved(app, user);
  // The published answer of this flow has neither a signature nor a time of issue.
  return [app, user, ["access_token", "scope", "instance_url", "id", "token_type"]];
}

function bySecret(org, form, authorization) {
  const [id, secret] = basic(authorization) ?? [form.get("client_id"), form.get("client_secret")];
  const app = org.apps.get(id);
  if (!app) throw new OAuthError("invalid_client_id", "client identifier invalid");
  if (!app.clientSecret || !same(secret ?? "", app.clientSecret)) {
    throw new OAuthError("invalid_client", "invalid client credentials");
  }
  const user = app.runAs ? org.userByName(app.runAs) : undefined;
  if (!user) throw new OAuthError("invalid_grant", "no client credentials user enabled");
  needActive(user);
  return [app, user, ["access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at"]];
}

function needActive(user) {
  if (!user.IsActive) throw new OAuthError("inactive_user", "user is inactive");
}

/** An app that names no approved users is approved for all; who must approve decides the words. */
function needApproved(app, user) {
  if (!app.approvedUsers || app.approvedUsers.includes(user.Username)) return;
  if (app.adminApproved)
    throw new OAuthError("invalid_app_access", "user is not admin approved to access this app");
  throw new OAuthError("invalid_grant", "user hasn't approved this consumer");
}

function basic(authorization) {
  const encoded = /^Basic\s+(\S+)$/i.exec(authorization ?? "")?.[1];
  if (!encoded) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)].map(unescapeForm);
}

function unescapeForm(text) {
  try {
    return decodeURIComponent(text.replace(/\+/g, " "));
  } catch {
    return text;
  }
}

function same(a, b) {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}

function give(org, app, user, told) {
  const issued = org.now();
  const token = `${org.id.slice(0, 15)}!${randomBytes(72).toString("base64url")}`;
  org.tokens.set(token, { user: user.Id, app: app.clientId, until: issued + org.lifetimeMs });
  const id = `${org.url}/id/${org.id}/${user.Id}`;
  const signature = createHmac("sha256", app.clientSecret ?? "")
    .update(id + issued)
    .digest("base64");
  const answer = {
    access_token: token,
    signature,
    scope: app.scope ?? "api",
    instance_url: org.url,
    id,
    token_type: "Bearer",
    issued_at: String(issued),
  };
  return Object.fromEntries(told.map((name) => [name, answer[name]]));
}

/** The user of an Authorization header's token, or undefined when it is none or its time is over. */
export function userOfToken(org, authorization) {
  const token = /^(?:Bearer|OAuth)\s+(\S+)\s*$/i.exec(authorization ?? "")?.[1];
  const held = token && org.tokens.get(token);
  if (!held) return undefined;
  if (held.until <= org.now()) {
    org.tokens.delete(token);
    return undefined;
  }
  const user = org.user(held.user);
  return user?.IsActive ? user : undefined;
}

export function userInfo(org, user) {
  return {
    sub: `${org.url}/id/${org.id}/${user.Id}`,
    user_id: user.Id,
    organization_id: org.id,
    preferred_username: user.Username,
    nickname: user.Alias ?? user.Username.split("@")[0],
    name: user.Name,
    email: user.Email ?? user.Username,
    email_verified: true,
    given_name: user.FirstName ?? null,
    family_name: user.LastName ?? null,
    active: user.IsActive,
    user_type: "STANDARD",
    urls: {
      rest: `${org.url}/services/data/v{version}/`,
      query: `${org.url}/services/data/v{version}/query/`,
    },
  };
}
