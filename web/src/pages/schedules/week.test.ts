import { expect, test } from "vitest";
import { overlapsOn, stretchesOn, type Weekly, weekInWords, weeklyOf, weekOf } from "./week";

const office: Weekly = [
  { days: ["mon", "tue", "wed", "thu", "fri"], open: "13:30", close: "17:30" },
  { days: ["mon", "tue", "wed", "thu", "fri"], open: "09:00", close: "12:30" },
  { days: ["sat"], open: "22:00", close: "02:00" },
];

test("a day has its hours in order", () => {
  expect(weekOf(office).mon).toEqual([
    { open: "09:00", close: "12:30" },
    { open: "13:30", close: "17:30" },
  ]);
  expect(weekOf(office).sun).toEqual([]);
});

test("days of equal hours are kept together", () => {
  expect(weeklyOf(weekOf(office))).toEqual([
    { days: ["mon", "tue", "wed", "thu", "fri"], open: "09:00", close: "12:30" },
    { days: ["mon", "tue", "wed", "thu", "fri"], open: "13:30", close: "17:30" },
    { days: ["sat"], open: "22:00", close: "02:00" },
  ]);
});

test("hours over midnight reach into the next day, also from Sunday into Monday", () => {
  const week = weekOf([...office, { days: ["sun"], open: "20:00", close: "01:00" }]);
  expect(stretchesOn(week, "sat")).toEqual([{ from: 22 * 60, to: 24 * 60 }]);
  expect(stretchesOn(week, "sun")).toEqual([
    { from: 0, to: 120 },
    { from: 20 * 60, to: 24 * 60 },
  ]);
  expect(stretchesOn(week, "mon")[0]).toEqual({ from: 0, to: 60 });
});

test("24:00 is the midnight at the end of the day, and reaches into no other", () => {
  const week = weekOf([{ days: ["mon"], open: "00:00", close: "24:00" }]);
  expect(stretchesOn(week, "mon")).toEqual([{ from: 0, to: 24 * 60 }]);
  expect(stretchesOn(week, "tue")).toEqual([]);
});

test("hours that overlap are seen", () => {
  const week = weekOf([...office, { days: ["mon"], open: "12:00", close: "14:00" }]);
  expect(overlapsOn(week, "mon")).toBe(true);
  expect(overlapsOn(week, "tue")).toBe(false);
});

test("a week reads as a line", () => {
  expect(weekInWords(office)).toBe("Mon–Fri 09:00–12:30, Mon–Fri 13:30–17:30, Sat 22:00–02:00");
  expect(weekInWords([{ days: ["sun", "mon", "tue"], open: "08:00", close: "09:00" }])).toBe(
    "Mon, Tue, Sun 08:00–09:00",
  );
  expect(weekInWords(undefined)).toBe("");
});
