import { expect, test } from "vitest";
import { browserName } from "./browser";

test("a browser is named by what only it says", () => {
  const apple = "AppleWebKit/537.36 (KHTML, like Gecko)";
  expect(browserName(`Mozilla/5.0 (X11; Linux x86_64) ${apple} Chrome/156.0.0.0 Safari/537.36`)).toBe(
    "Chrome on Linux",
  );
  expect(browserName(`Mozilla/5.0 (Windows NT 10.0) ${apple} Chrome/156.0 Safari/537.36 Edg/156.0`)).toBe(
    "Edge on Windows",
  );
  expect(
    browserName("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1"),
  ).toBe("Safari on iOS");
  expect(browserName("Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0")).toBe(
    "Firefox on Android",
  );
});

test("what is no browser stands as it is", () => {
  expect(browserName("curl/8.5.0")).toBe("curl/8.5.0");
  expect(browserName("")).toBe("does not say");
});
