import { licences } from "virtual:licences";
import { describe, expect, it } from "vitest";
import { isAllowed, productionPackages } from "../../../tools/licences.mjs";

describe("the list of licences", () => {
  it("has what the console is made of, with its texts, and nothing that only builds or tests it", () => {
    const names = licences.map(({ name }) => name);
    expect(names).toContain("react");
    expect(names).not.toContain("vitest");
    expect(licences.find(({ name }) => name === "react")?.text).toContain("Permission is hereby granted");
    expect(licences.every(({ licence }) => isAllowed(licence))).toBe(true);
  });

  it.each([
    ["MIT", true],
    ["(MIT OR CC0-1.0)", true],
    ["GPL-3.0-or-later", false],
    ["MIT AND GPL-3.0-only", false],
    ["SEE LICENSE IN README", false],
    ["none that is named", false],
  ])("%s: %s", (licence, allowed) => {
    expect(isAllowed(licence)).toBe(allowed);
  });

  it("is of what the lock file does not call a tool, by the name of the package wherever it lies", () => {
    const about = { version: "1.0.0", license: "MIT" };
    const found = productionPackages({
      packages: {
        "": about,
        "node_modules/b": { version: "2.0.0" },
        "node_modules/b/node_modules/@x/a": about,
        "node_modules/tool": { ...about, dev: true },
      },
    });
    expect(found.map(({ name, licence }) => `${name} ${licence}`)).toEqual([
      "@x/a MIT",
      "b none that is named",
    ]);
  });
});
