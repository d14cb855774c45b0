import { mount } from "@vue/test-utils";
import { afterEach, expect, it } from "vitest";
import { speak } from "../../i18n";
import ReadingRemarks from "./ReadingRemarks.vue";

afterEach(() => speak("en"));

const remark = (line: number) => ({ line, message: `'DUSKISH' is no hour (${line})` });

it("says what was read otherwise than it may have been meant, and where", async () => {
  const shown = mount(ReadingRemarks, { props: { remarks: [remark(3), remark(14)] } });
  expect(shown.findAll("li").map((one) => one.text())).toEqual([
    "line 3: 'DUSKISH' is no hour (3)",
    "line 14: 'DUSKISH' is no hour (14)",
  ]);
  await shown.findAll("button")[1]!.trigger("click");
  expect(shown.emitted("go")).toEqual([[14]]);
  await speak("de");
  expect(mount(ReadingRemarks, { props: { remarks: [remark(3)] } }).text()).toContain("Zeile 3");
});

it("is not there where all is clear, and counts what it does not show", () => {
  expect(
    mount(ReadingRemarks, { props: { remarks: [] } })
      .find("section")
      .exists(),
  ).toBe(false);
  const many = Array.from({ length: 15 }, (_, at) => remark(at + 1));
  const shown = mount(ReadingRemarks, { props: { remarks: many } });
  expect(shown.findAll("li")).toHaveLength(12);
  expect(shown.text()).toContain("and 3 more");
});
