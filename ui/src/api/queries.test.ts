import { expect, it } from "vitest";
import { every } from "./queries";

it("takes every page of a list, and ends", async () => {
  const pages: Record<string, { things: number[]; next?: string | null }> = {
    first: { things: [1, 2], next: "second" },
    second: { things: [3], next: "third" },
    third: { things: [], next: null },
  };
  const asked: (string | undefined)[] = [];
  const all = await every(
    (after) => (asked.push(after), Promise.resolve(pages[after ?? "first"]!)),
    (page) => page.things,
  );
  expect(all).toEqual([1, 2, 3]);
  expect(asked).toEqual([undefined, "second", "third"]);
});
