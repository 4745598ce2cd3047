// The whole state of the stand-in: one org's schema, records, users, apps, tokens and what tests arranged.
import { Access } from "./access.mjs";
import { RequestLog } from "./log.mjs";
import { Schema } from "./schema/schema.mjs";
import { readSeed } from "./seed.mjs";
import { Store } from "./store.mjs";
import { Troubles } from "./trouble.mjs";

export class Org {
  constructor({ seed = null, rng = 1 } = {}) {
    this.url = "";
    this.firstSeed = seed;
    this.rng = rng;
    this.log = new RequestLog();
    this.now = Date.now;
    this.era = 0;
    this.reset();
  }

  /** Back to how it was at the start; `seeded` false leaves even the seed file out. */
  reset(seeded = true) {
    this.era += 1;
    this.id = "00DHs0000000001MAA";
    this.schema = new Schema();
    this.store = new Store();
    this.troubles = new Troubles(this.rng);
    this.apps = new Map();
    this.tokens = new Map();
    this.lifetimeMs = 7_200_000;
    this.apiDisabled = { org: false, users: new Set() };
    this.permissions = {};
    this.rules = [];
    this.apex = new Map();
    this.cursors = new Map();
    this.limit = { used: 0, max: 100_000 };
    this.log.clear();
    if (seeded && this.firstSeed) readSeed(this, this.firstSeed);
  }

  user(id) {
    return this.store.get(this.schema.get("User"), id);
  }

  userByName(username) {
    const [user] = this.store.having(this.schema.get("User"), "Username", username ?? null);
    return user;
  }

  /** What one request works with: the org, who asks, and what that user may do. */
  context(user) {
    return {
      org: this,
      user,
      schema: this.schema,
      store: this.store,
      rules: this.rules,
      now: this.now,
      access: new Access(this.permissions, user.Username),
      trouble: (object, operation) => this.troubles.forRecord(object, operation),
    };
  }
}
