import { expect, it } from "vitest";
import { lorasOf, lorasText } from "./loras";

it("reads the LoRAs of a shot as people write them", () => {
  expect(lorasOf("red dress 60%, rain")).toEqual([{ name: "red dress", strength: 60 }, { name: "rain" }]);
  expect(lorasOf(" ,  red \t dress   60 % ,, ")).toEqual([{ name: "red dress", strength: 60 }]);
  expect(lorasOf("")).toEqual([]);
});

it("leaves what is no strength to the studio, which says what is wrong", () => {
  const wrong = ["rain x%", "rain 6.5%", "60%", "rain -5%", "rain 12345%"];
  expect(lorasOf(wrong.join(", "))).toEqual(wrong.map((name) => ({ name })));
  expect(lorasOf("rain 300%")).toEqual([{ name: "rain", strength: 300 }]);
});

it("writes them as it reads them", () => {
  const text = "red dress 60%, rain";
  expect(lorasText(lorasOf(text))).toBe(text);
  expect(lorasText([{ name: "rain", strength: null }])).toBe("rain");
});
