import { expect, it } from "vitest";
import type { Schemas } from "../api/client";
import { t } from ".";
import { portraitLabel, portraitsBefore } from "./portraits";

const portrait = (more: object) => ({ state: "pending", view: "face", ...more }) as Schemas["Portrait"];
const at = 0;

it("says how a portrait stands, and who decided it", () => {
  const scored = { why: "scored", percent: 91, asked: 80 };
  const wrong = { why: "rejected", categories: ["wrong_appearance"] };
  expect([
    portraitLabel(portrait({})),
    portraitLabel(portrait({ verdict: { score: 0.5 } })),
    portraitLabel(portrait({ state: "approved", decision: { by: "person", at, reason: { why: "good" } } })),
    portraitLabel(portrait({ state: "rejected", decision: { by: "person", at, reason: wrong } })),
    portraitLabel(portrait({ state: "approved", decision: { by: "judge", at, reason: scored } })),
  ]).toEqual([
    "Waits for the judge",
    "Waits for you",
    "Approved by you",
    "Rejected by you",
    t("dataset.reason.scored", { by: t("dataset.by.judge"), percent: 91, asked: 80 }),
  ]);
});

it("asks for what is made before a film as the studio reads it", () => {
  expect(portraitsBefore("house", ["face"])).toBeUndefined();
  expect(portraitsBefore("off", ["face"])).toBe("off");
  expect(portraitsBefore("views", ["full_body", "establishing"])).toBe("full_body,establishing");
  expect(portraitsBefore("views", [])).toBe("off");
});
