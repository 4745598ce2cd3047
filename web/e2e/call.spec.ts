// What one call's page says beside its way: troubles in words, the audio of its legs, its SIP messages, its packets.

import { isAccessible } from "./accessible";
import { picture } from "./drawing";
import { expect, test } from "./fixtures";
import { DESK } from "./server";

for (const scheme of ["light", "dark"] as const) {
  test(`a call without audio says so, and shows its messages and packets (${scheme})`, async ({
    page,
    telephone,
  }) => {
    test.setTimeout(90_000);
    await page.emulateMedia({ colorScheme: scheme });
    const isClean = async (where: string) => {
      await isAccessible(page, `${where} in ${scheme}`);
      if (scheme === "light" && where !== "list" && where !== "way") {
        await page.screenshot({ path: picture(`call-${where.toLowerCase()}`) });
      }
    };
    const caller = scheme === "light" ? "+14155550181" : "+14155550182";
    await telephone({ scenario: "presses", number: DESK, caller, key: "9", waitMs: 40_000 });
    await page.goto("/calls");
    const row = page.getByRole("row", { name: new RegExp(caller.replace("+", "\\+")) });
    await expect(row.getByRole("img", { name: "No audio from the caller" })).toBeVisible({ timeout: 15_000 });
    await isClean("list");
    await row.getByRole("link", { name: caller }).click();
    const trouble = page.getByRole("group", { name: "Trouble in this call" });
    await expect(trouble).toContainText(
      /No audio from the caller for \d+ s: nothing came yet\. The SDP said/,
    );
    await expect(trouble).toContainText("What to do:");
    await isClean("way");

    await page.getByRole("tab", { name: "Audio" }).click();
    await expect(page.getByRole("table", { name: "Audio of each leg" })).toContainText("PCMU");
    await expect(page.getByRole("row", { name: /Last packet/ })).toContainText("none came");
    await isClean("audio");

    await page.getByRole("tab", { name: "SIP" }).click();
    const message = page.getByRole("button", { name: /INVITE from the caller/ });
    await message.click();
    await expect(page.getByText("INVITE sip:").first()).toBeVisible();
    await isClean("SIP");
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download as text" }).click(),
    ]);
    expect((await (await file.createReadStream()).toArray()).join("")).toContain("200 OK");

    await page.getByRole("tab", { name: "Capture" }).click();
    await page.getByRole("button", { name: "Capture audio packets" }).click();
    await expect(page.getByText("Packets are being noted.")).toBeVisible();
    await isClean("capture");
    await page.getByRole("button", { name: "Stop" }).click();
    await expect(page.getByText(/packets of audio were noted/)).toBeVisible();
    const [packets] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download packets" }).click(),
    ]);
    const bytes = Buffer.concat(await (await packets.createReadStream()).toArray());
    expect(bytes.subarray(0, 4).toString("hex")).toBe("a1b2c3d4");
    expect(bytes.length).toBeGreaterThan(3_000);
  });
}
