// The packages that the console is made of, with their licences. A build with one that is not on the list fails.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Licences that ask for their text to be kept, and for nothing else. */
export const ALLOWED = ["MIT", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "Zlib"];

/** Whether a licence, or one of those to choose from (SPDX: `A OR B`), is on the list. */
export function isAllowed(licence) {
  return licence
    .replaceAll(/[()]/g, "")
    .split(" OR ")
    .some((one) => ALLOWED.includes(one.trim()));
}

/** Packages of the lock file that are not for building or testing alone. */
export function productionPackages(lock) {
  return Object.entries(lock.packages)
    .filter(([path, about]) => path !== "" && !about.dev && !about.devOptional && !about.optional)
    .map(([path, { version, license }]) => ({
      path,
      name: path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length),
      version,
      licence: license ?? "none that is named",
    }))
    .sort((a, b) => a.name.localeCompare(b.name) || a.path.localeCompare(b.path));
}

/** All of them with their texts; throws where one may not be there. */
export function licences(root) {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const packages = productionPackages(lock);
  const refused = packages.filter(({ licence }) => !isAllowed(licence));
  if (refused.length > 0) {
    const names = refused.map(({ name, licence }) => `${name} (${licence})`).join(", ");
    throw new Error(`tools/licences.mjs allows no such licence: ${names}`);
  }
  return packages.map(({ path, name, version, licence }) => ({
    name,
    version,
    licence,
    text: textOf(join(root, path)),
  }));
}

function textOf(folder) {
  if (!existsSync(folder)) {
    return "";
  }
  const files = readdirSync(folder).filter((name) => /^(licen[cs]e|notice|copying)/i.test(name));
  return files
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8").trim())
    .join("\n\n");
}
