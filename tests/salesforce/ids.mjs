// Record ids: 15 characters that tell upper from lower case, and 3 more from which the case can be read.

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/** The 18 characters for 15: each suffix letter holds which of five characters are capitals. */
export function toLongId(id) {
  if (id.length === 18) return id;
  let suffix = "";
  for (let chunk = 0; chunk < 15; chunk += 5) {
    let bits = 0;
    for (let place = 0; place < 5; place += 1) {
      const char = id[chunk + place];
      if (char >= "A" && char <= "Z") bits |= 1 << place;
    }
    suffix += SUFFIX[bits];
  }
  return id + suffix;
}

/** Whether a text can be an id at all: its length, its characters and, of a long one, its suffix. */
export function isId(text) {
  if (typeof text !== "string" || !/^([0-9A-Za-z]{15}|[0-9A-Za-z]{18})$/.test(text)) return false;
  return text.length === 15 || toLongId(text.slice(0, 15)) === text;
}

/** The id of a table's record number n. */
export function makeId(prefix, n) {
  let digits = "";
  for (let rest = n; digits.length < 9; rest = Math.floor(rest / 62)) {
    digits = BASE62[rest % 62] + digits;
  }
  return toLongId(`${prefix}Hs0${digits}`);
}
