// SOQL tokens into a tree: what is selected, from where, under which condition, in which order, how many.
import { queryError, tokens, unexpected } from "./lexer.mjs";

const RESERVED = new Set([
  "and",
  "or",
  "not",
  "in",
  "like",
  "from",
  "where",
  "order",
  "limit",
  "offset",
  "select",
  "null",
  "true",
  "false",
]);
const COMPARISONS = new Set(["=", "!=", "<>", "<", "<=", ">", ">="]);
// A tree deeper than this would end the process's stack; no query of a client comes near.
const DEEPEST = 400;

export function parse(text) {
  return new Parser(text).query();
}

class Parser {
  constructor(text) {
    this.text = text;
    this.tokens = tokens(text);
    this.at = 0;
    this.depth = 0;
  }

  get token() {
    const token = this.tokens[this.at];
    if (token.kind === "bad") throw token.error;
    return token;
  }

  next() {
    const token = this.token;
    this.at += 1;
    return token;
  }

  fail() {
    throw unexpected(this.text, this.token);
  }

  isWord(word, token = this.token) {
    return token?.kind === "name" && token.text.toLowerCase() === word;
  }

  takeWord(word) {
    if (!this.isWord(word)) return false;
    this.at += 1;
    return true;
  }

  takeOperator(text) {
    if (this.token.kind !== "operator" || this.token.text !== text) return false;
    this.at += 1;
    return true;
  }

  needWord(word) {
    if (!this.takeWord(word)) this.fail();
  }

  needOperator(text) {
    if (!this.takeOperator(text)) this.fail();
  }

  query() {
    this.needWord("select");
    const count = this.#count();
    const select = count ? [] : this.#list(() => this.path());
    this.needWord("from");
    const from = this.name();
    const where = this.takeWord("where") ? this.condition() : null;
    const order = this.#order();
    const limit = this.takeWord("limit") ? this.whole() : null;
    const offset = this.takeWord("offset") ? this.whole() : 0;
    if (this.token.kind !== "end") this.fail();
    return { count, select, from, where, order, limit, offset };
  }

  #count() {
    const [word, open, close] = [this.token, this.tokens[this.at + 1], this.tokens[this.at + 2]];
    if (!this.isWord("count", word) || open?.text !== "(" || close?.text !== ")") return false;
    this.at += 3;
    return true;
  }

  #list(one) {
    const found = [one()];
    while (this.takeOperator(",")) found.push(one());
    return found;
  }

  #order() {
    if (!this.takeWord("order")) return [];
    this.needWord("by");
    return this.#list(() => {
      const path = this.path();
      const descending = this.takeWord("desc");
      if (!descending) this.takeWord("asc");
      return { path, descending, nullsLast: this.#nullsLast() };
    });
  }

  #nullsLast() {
    if (!this.takeWord("nulls")) return false;
    if (this.takeWord("last")) return true;
    this.needWord("first");
    return false;
  }

  name() {
    if (this.token.kind !== "name" || RESERVED.has(this.token.text.toLowerCase())) this.fail();
    return this.next();
  }

  /** A field, or a field of what a lookup points at: names with dots between. */
  path() {
    const first = this.name();
    const names = [first.text];
    while (this.takeOperator(".")) names.push(this.name().text);
    return { names, at: first.at };
  }

  whole() {
    if (this.token.kind !== "number" || !/^\d+$/.test(this.token.text)) this.fail();
    return Number(this.next().text);
  }

  /** Terms joined by AND, or by OR. The two are not mixed: what follows the one must close it, so the other fails. */
  condition() {
    this.depth += 1;
    if (this.depth > DEEPEST) this.fail();
    const first = this.term();
    const kind = this.isWord("and") ? "and" : this.isWord("or") ? "or" : null;
    if (!kind) {
      this.depth -= 1;
      return first;
    }
    const terms = [first];
    while (this.takeWord(kind)) terms.push(this.term());
    this.depth -= 1;
    return { kind, terms };
  }

  term() {
    if (this.takeWord("not")) {
      this.depth += 1;
      if (this.depth > DEEPEST) this.fail();
      const term = this.term();
      this.depth -= 1;
      return { kind: "not", term };
    }
    if (this.takeOperator("(")) {
      const inner = this.condition();
      this.needOperator(")");
      return inner;
    }
    return this.comparison();
  }

  comparison() {
    const path = this.path();
    if (this.token.kind === "operator" && COMPARISONS.has(this.token.text)) {
      const operator = this.next().text.replace("<>", "!=");
      return { kind: "compare", path, operator, value: this.value() };
    }
    if (this.takeWord("like")) return { kind: "compare", path, operator: "like", value: this.value() };
    const negated = this.takeWord("not");
    this.needWord("in");
    this.needOperator("(");
    const values = this.#list(() => this.value());
    this.needOperator(")");
    return { kind: "in", path, negated, values };
  }

  value() {
    const token = this.token;
    if (token.kind === "operator" && token.text === ":") {
      throw queryError(this.text, token.at, "MALFORMED_QUERY", "Bind variables only allowed in Apex code");
    }
    const isLiteral = ["string", "number", "date", "datetime"].includes(token.kind);
    const isWord = ["null", "true", "false"].some((word) => this.isWord(word));
    if (!isLiteral && !isWord) this.fail();
    this.at += 1;
    return isWord ? { ...token, kind: "word", text: token.text.toLowerCase() } : token;
  }
}
