import { StringStream } from "@codemirror/language";
import { expect, it } from "vitest";
import { fountain } from "./fountain";

/** What the first token of every line is. */
function kinds(text: string) {
  const now = fountain.startState!(2);
  return text.split("\n").map((line) => {
    if (!line) {
      fountain.blankLine!(now, 2);
      return "";
    }
    const stream = new StringStream(line, 2, 2);
    let first: string | null | undefined;
    while (!stream.eol()) {
      const kind = fountain.token(stream, now);
      first ??= kind ?? "action";
      stream.start = stream.pos;
    }
    return first;
  });
}

it("tells headings, people, words, toasts and transitions apart", () => {
  const text =
    "Title: A\nShow: B\n\nINT. HOUSE - DAY\n\n= Synopsis\n\nA door opens. [[shot: wide]]\n\nANNA (V.O.)\n(softly)\nCome in.\n\n[[mood: calm]]\n\nCUT TO:\n\n.THE ROAD\n\n!ANNA\nShe runs.";
  expect(kinds(text)).toEqual([
    "comment",
    "comment",
    "",
    "heading",
    "",
    "comment",
    "",
    "action",
    "",
    "name",
    "emphasis",
    "string",
    "",
    "meta",
    "",
    "keyword",
    "",
    "heading",
    "",
    "action",
    "action",
  ]);
});
it("keeps a note open over lines", () => {
  expect(kinds("INT. A - DAY\n\n[[ one\ntwo ]]\n\nX stands.")).toEqual(["heading", "", "meta", "meta", "", "action"]);
});
