// The signed assertion of the JWT bearer flow: its parts, its signature, its claims, each refused in its own words.
import { verify } from "node:crypto";
import { OAuthError } from "./errors.mjs";

// The audiences that mean the sign-in service; the org's own address is accepted besides.
const AUDIENCES = ["https://login.salesforce.com", "https://test.salesforce.com"];
const LONGEST_AHEAD_S = 300;

const invalid = (words = "invalid assertion") => new OAuthError("invalid_grant", words);

/** The app and the claims of a good assertion. */
export function checkAssertion(org, assertion) {
  const parts = assertion.split(".");
  if (parts.length !== 3) throw invalid();
  const [header, claims] = [decode(parts[0]), decode(parts[1])];
  if (header?.alg !== "RS256" || !claims) throw invalid();
  const app = org.apps.get(claims.iss);
  if (!app) throw new OAuthError("invalid_client_id", "client identifier invalid");
  if (!app.publicKey || !signedBy(app.publicKey, parts)) throw invalid();
  checkClaims(org, app, claims);
  return { app, claims };
}

function decode(part) {
  try {
    const value = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return value !== null && typeof value === "object" ? value : undefined;
  } catch {
    return undefined;
  }
}

function signedBy(publicKey, [header, claims, signature]) {
  try {
    return verify(
      "RSA-SHA256",
      Buffer.from(`${header}.${claims}`),
      publicKey,
      Buffer.from(signature, "base64url"),
    );
  } catch {
    return false;
  }
}

function checkClaims(org, app, claims) {
  const wanted = [].concat(claims.aud ?? []).map((one) => String(one).replace(/\/+$/, ""));
  const accepted = [...(app.audiences ?? AUDIENCES), org.url];
  if (!wanted.some((one) => accepted.includes(one))) throw invalid("audience is invalid");
  const now = Math.floor(org.now() / 1000);
  if (typeof claims.exp !== "number") throw invalid();
  if (claims.exp <= now) throw invalid("expired authorization code");
  if (claims.exp > now + LONGEST_AHEAD_S) throw invalid();
}
