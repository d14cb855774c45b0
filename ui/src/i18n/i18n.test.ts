import { afterEach, expect, it } from "vitest";
import { choose, chosen, humanize, language, speak, t, word } from ".";
import { de } from "./de";
import { en } from "./en";

type Tree = { [name: string]: string | Tree };
const flat = (tree: Tree, above = ""): [string, string][] =>
  Object.entries(tree).flatMap(([name, one]) =>
    typeof one === "string" ? [[above + name, one]] : flat(one, `${above}${name}.`),
  );
const english = new Map(flat(en));
const german = new Map(flat(de));
const gaps = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

const sources = import.meta.glob<string>(
  ["../**/*.{vue,ts}", "!../**/*.test.ts", "!./{en,de}.ts", "!../api/schema.ts"],
  {
    query: "?raw",
    import: "default",
    eager: true,
  },
);

afterEach(() => speak("en"));

it("has every text in every language, and none that another lacks", () => {
  expect([...german.keys()].sort()).toEqual([...english.keys()].sort());
  expect([...english, ...german].filter(([, text]) => !text.trim())).toEqual([]);
});

it("leaves the same gaps in every language, in each of the forms of a number", () => {
  for (const [key, text] of german) {
    const forms = [text, english.get(key)!].flatMap((one) => one.split(" | "));
    const wanted = gaps(forms[0]!);
    for (const form of forms) expect([key, gaps(form)]).toEqual([key, wanted]);
  }
});

it("keeps no text that nothing says", () => {
  const source = Object.values(sources).join("\n");
  // `t("a.b")` says one; t(`a.${b}`) and word("a", b) may say every one of a group.
  const said = new Set([...source.matchAll(/["'`]([a-z]\w*(?:\.[\w-]+)+)["'`]/gi)].map(([, key]) => key));
  const groups = [
    ...source.matchAll(/`([a-z][\w.]*)\.\$\{/gi),
    ...source.matchAll(/\bword\(\s*["'`]([\w.]+)["'`]/g),
  ].map(([, group]) => `${group}.`);
  const unsaid = [...english.keys()].filter((key) => !said.has(key) && !groups.some((group) => key.startsWith(group)));
  expect(unsaid).toEqual([]);
});

it("speaks the language that was chosen, else the browser's, else English", () => {
  expect(chosen(["fr-FR", "de-AT", "en"])).toBe("de");
  expect(chosen(["fr-FR"])).toBe("en");
  expect(chosen(["de"], "en")).toBe("en");
  expect(chosen(["de"], "klingon")).toBe("de");
});

it("changes the language of the page, and remembers it", async () => {
  expect(t("tabs.episodes")).toBe("Episodes");
  await choose("de");
  expect([language.value, t("tabs.episodes"), document.documentElement.lang, localStorage.getItem("language")]).toEqual(
    ["de", "Folgen", "de", "de"],
  );
});

it("fills gaps, and chooses between one and many", async () => {
  expect(t("characters.standsIn", { why: "speech is not there" })).toBe(
    "This is the draft voice: speech is not there.",
  );
  expect([0, 1, 2].map((n) => t("projects.episodes", { n }))).toEqual(["0 episodes", "1 episode", "2 episodes"]);
  await speak("de");
  expect([0, 1, 2].map((n) => t("projects.episodes", { n }))).toEqual(["0 Folgen", "1 Folge", "2 Folgen"]);
});

it("says a word it does not know as it is", async () => {
  await speak("de");
  expect([word("stage", "pictures"), word("stage", "new_thing"), humanize("bad_anatomy")]).toEqual([
    "Bilder",
    "New thing",
    "Bad anatomy",
  ]);
});
