import { afterEach, beforeEach, expect, it } from "vitest";
import type { Schemas } from "../api/client";
import { decisionKindValues, failureKindValues, routeRuleValues, rungValues, taskStateValues } from "../api/enums";
import { speak } from ".";
import { awayLabel, faultLabel, partLabel, taskLabel, waitLabel } from "./reasons";
import { type SwapPlan, type SwapReason, decisionLabel, outcomeLabel } from "./decisions";
import { remarkLabel } from "./remarks";

beforeEach(() => speak("de"));
afterEach(() => speak("en"));

/** Examples of every code of a union: one that the contract gains does not compile until it is here. */
type Each<Union, Tag extends keyof Union> = Record<Union[Tag] & string, Union[]>;
/** All of them, each under its own code. */
function all<Tag extends string, Union extends Record<Tag, string>>(tag: Tag, each: Record<string, Union[]>): Union[] {
  for (const [code, examples] of Object.entries(each))
    expect([code, ...examples.map((one) => one[tag])]).toEqual([code, ...examples.map(() => code)]);
  return Object.values(each).flat();
}
/** What the studio says; a page in German never shows it of what it knows. */
const SAID = "the studio says it in English";
/** What only another program said, which has no other words. */
const message = "CUDA out of memory";

const slot = "scene 2/shot 3/clip";
const speculations: Each<Schemas["Speculation"], "what"> = {
  rejected: [{ what: "rejected" }],
  changed: [{ what: "changed" }],
  input_missing: [{ what: "input_missing", slot: "scene 1/mix" }],
  no_engine: [{ what: "no_engine", engine: "comfy" }],
  twin: [{ what: "twin" }],
};
const rests: Each<Schemas["PauseReason"], "why"> = {
  quiet_hours: [{ why: "quiet_hours" }],
  starting: [{ why: "starting" }],
  person: [{ why: "person" }, { why: "person", text: "Abendessen / dinner" }],
};
const interruptions: Each<Schemas["Interruption"], "what"> = {
  foreign: [
    { what: "foreign", who: "blender", card: "amd0" },
    { what: "foreign", who: null, card: "amd0" },
  ],
  paused: [
    { what: "paused", why: "…" },
    ...all("why", rests).map((because) => ({ what: "paused" as const, why: SAID, because })),
  ],
  rejected: [{ what: "rejected" }],
};
const causes: Each<Schemas["Cause"], "code"> = {
  attempt: failureKindValues.flatMap((kind) =>
    ["", message].map((message) => ({ code: "attempt" as const, kind, message })),
  ),
  interrupted: all("what", interruptions).map((by) => ({ code: "interrupted", by })),
  card_full: rungValues.map((next) => ({ code: "card_full", message, next })),
  card_too_small: [{ code: "card_too_small", message, tried: [...rungValues] }],
  override_gone: [{ code: "override_gone", slot }],
  input_missing: [{ code: "input_missing", slot }],
  no_engine: [{ code: "no_engine", engine: "comfy" }],
  speculation: all("what", speculations).map((why) => ({ code: "speculation", why })),
  unjudged: [{ code: "unjudged" }, { code: "unjudged", said: "…" }],
  unseen: [{ code: "unseen", why: { why: "no_frame" } }],
  unexpected: [{ code: "unexpected", message }],
  cancelled: [{ code: "cancelled" }],
};
const revivals: Each<Schemas["Revival"], "how"> = {
  unknown: [{ how: "unknown" }],
  restarted: [{ how: "restarted" }],
  failed: [{ how: "failed", message }],
};
const aways: Each<Schemas["Away"], "because"> = {
  unasked: [{ because: "unasked" }, { because: "unasked", at: "http://box:8188" }],
  unreachable: [{ because: "unreachable", message }],
  stuck: all("how", revivals).map((revival) => ({ because: "stuck", at: "http://box:8188", revival })),
  quarantined: [{ because: "quarantined", name: "box", message }],
  unusable: [{ because: "unusable", message }],
  incapable: [{ because: "incapable", model: "wan" }],
  standing_by: [{ because: "standing_by" }],
  silent: [{ because: "silent" }],
};
const scopes: Each<Schemas["Scope"], "what"> = {
  studio: [{ what: "studio" }],
  gpu: [{ what: "gpu", name: "amd0" }],
  engine: [{ what: "engine", name: "comfy" }],
  project: [{ what: "project", name: "last-light" }],
};
const [first, card, need_mib, free_mib, foreign_mib] = ["x", "amd0", 12_288, 4096, 9216] as const;
const waits: Each<Schemas["WaitReason"], "why"> = {
  needs: [1, 2].map((count) => ({ why: "needs", count, first })),
  ahead: [{ why: "ahead", first }],
  resting: [0, 1, 2].map((strikes) => ({ why: "resting", strikes, until: 0 })),
  held: [{ why: "held" }],
  paused: [
    ...all("what", scopes).map((scope) => ({ why: "paused" as const, scope, reason: "…" })),
    ...all("why", rests).map((because) => ({
      why: "paused" as const,
      scope: { what: "studio" as const },
      reason: SAID,
      because,
    })),
  ],
  no_engine: [
    { why: "no_engine", engine: "comfy", reason: "" },
    { why: "no_engine", engine: "comfy", reason: SAID, because: all("because", aways) },
  ],
  quarantined: [
    { why: "quarantined", seat: "box", reason: message, until: 0 },
    { why: "quarantined", seat: "box", reason: SAID, because: { code: "cancelled" }, until: 0 },
  ],
  no_card: [
    { why: "no_card", card, reason: "" },
    { why: "no_card", card, reason: SAID, because: { because: "silent" } },
  ],
  hot: [{ why: "hot", card, now_c: 91, limit_c: 80 }],
  power: [{ why: "power", watts: 700, limit: 600 }],
  yields: [
    { why: "yields", card, who: "blender", foreign_mib },
    { why: "yields", card, who: null, foreign_mib },
  ],
  freed: [{ why: "freed", card, until: 0 }],
  too_large: [{ why: "too_large", need_mib, most_mib: 8192 }],
  memory: [{ why: "memory", card, need_mib, free_mib, foreign_mib }],
  loading: [{ why: "loading", card, model: "wan", in_ms: 90_000 }],
  other_model: ["", "ltx"].map((loaded) => {
    const rest = { card, need_mib, free_mib, loaded_has: 3, latest_ms: 600_000 };
    return { why: "other_model", loaded, ...rest };
  }),
  busy: [0, 60_000].map((about_ms) => ({ why: "busy", engine: "comfy", running: 1, ahead: 2, about_ms })),
};

/** Each in words of its own in both languages, the studio's sentence in none; the German ones. */
async function inWords<T>(examples: T[], label: (one: T) => string): Promise<string[]> {
  const german = examples.map(label);
  await speak("en");
  const english = examples.map(label);
  await speak("de");
  expect(german.filter((text, at) => text === english[at])).toEqual([]);
  // A key instead of a text, or a gap that stayed open.
  const wrong = [...german, ...english].filter((text) => !text || /reasons\.|[{}]|undefined/.test(text));
  expect([...wrong, ...[...german, ...english].filter((text) => text.includes(SAID))]).toEqual([]);
  return german;
}
const fault = (cause: Schemas["Cause"], more: object = {}) => ({ ...cause, ...more }) as Schemas["TaskFault"];

it("says why a task has no result, whatever happened", async () => {
  const german = await inWords(all("code", causes), (cause) => faultLabel(fault(cause), SAID));
  expect(new Set(german).size).toBe(german.length);
  await inWords(all("code", causes), (cause) => faultLabel(fault(cause, { need: "x" }), SAID));
  const say = (cause: Schemas["Cause"], more?: object) => faultLabel(fault(cause, more), SAID);
  expect(say(causes.input_missing[0]!, { need: "x" })).toBe(
    "Braucht eine Aufgabe, aus der nichts wurde: „Szene 2, Einstellung 3: Clip“ gibt es noch nicht",
  );
  expect(say({ code: "card_full", message, next: "tiled_vae" })).toBe(
    "Die Karte ist voll: CUDA out of memory; nächstes Mal: in Kacheln dekodieren",
  );
  expect(say(interruptions.foreign.map((by) => ({ code: "interrupted" as const, by }))[1]!)).toBe(
    "Hat Platz gemacht: ein anderes Programm will amd0 haben",
  );
});

it("says how a task stands", async () => {
  const task = (state: Schemas["TaskState"], more: object = {}) => ({ state, reason: SAID, ...more });
  // What failed always has a fault; a row of an earlier studio has its sentence only.
  const without = taskStateValues.filter((state) => state !== "failed" && state !== "needs_person");
  await inWords(without, (state) => taskLabel(task(state)));
  expect(taskLabel(task("failed"))).toBe(SAID);
  const cause: Schemas["Cause"] = { code: "attempt", kind: "away", message: "connection refused" };
  const said = await inWords([...taskStateValues], (state) => taskLabel(task(state, { fault: cause })));
  expect(said[0]).toBe(
    "Wird später noch einmal versucht: Womit es entsteht oder wohin es soll, ist gerade nicht da: connection refused",
  );
});

it("says why something is not there", async () => {
  await inWords(all("because", aways), (away) => awayLabel([away], SAID));
  expect(awayLabel([{ because: "standing_by" }, { because: "unasked" }], SAID)).toBe(
    "Niemand braucht eine Vertretung; Noch nicht gefragt",
  );
  expect(awayLabel([], SAID)).toBe(SAID);
});

it("says why a task waits, with its numbers", async () => {
  const german = await inWords(all("why", waits), (wait) => waitLabel(wait, SAID));
  expect(new Set(german).size).toBe(german.length);
  const plain = (wait: Schemas["WaitReason"]) => waitLabel(wait, SAID).replaceAll("\u00a0", " ");
  expect(plain(waits.other_model[1]!)).toBe(
    "Braucht 12,0 GiB auf amd0, frei sind 4,0 GiB: ltx ist geladen und hat noch 3, spätestens in 10 Min.",
  );
  expect(plain(waits.hot[0]!)).toBe("amd0 hat 91 °C, weiter geht es bei 80 °C");
  expect(plain(waits.paused[1]!)).toBe("Die Karte amd0 macht Pause: …");
});

it("says what a newer studio says in the studio's words", () => {
  const newer = (tag: object) => ({ ...tag }) as never;
  expect([
    faultLabel(newer({ code: "solar_flare" }), SAID),
    faultLabel(newer({ code: "attempt", kind: "solar_flare", message }), SAID),
    faultLabel(newer({ code: "card_full", message, next: "pray" }), SAID),
    faultLabel(newer({ code: "card_too_small", message, tried: ["pray"] }), SAID),
    faultLabel(newer({ code: "interrupted", by: { what: "solar_flare" } }), SAID),
    faultLabel(newer({ code: "speculation", why: { what: "solar_flare" } }), SAID),
    taskLabel({ state: "waiting", fault: newer({ code: "solar_flare" }), reason: SAID }),
    waitLabel(newer({ why: "solar_flare" }), SAID),
    waitLabel(newer({ why: "paused", scope: { what: "planet" }, reason: "" }), SAID),
    awayLabel([{ because: "silent" }, newer({ because: "solar_flare" })], SAID),
    awayLabel([newer({ because: "stuck", at: "", revival: { how: "prayer" } })], SAID),
  ]).toEqual(Array(11).fill(SAID));
});

it("names a place of an episode as its work is named", () => {
  const places = {
    "scene 1/shot 2/line 3": "Szene 1, Einstellung 2: Dialogzeile 3",
    "scene 1/shot 2/clip/take 3": "Szene 1, Einstellung 2: Clip, Take 3",
    "scene 1/shot 2/still/review 3": "Szene 1, Einstellung 2: Standbild, Gutachten 3",
    "scene 1/shot 2/still": "Szene 1, Einstellung 2: Standbild",
    "scene 1/shot 2/master": "Szene 1, Einstellung 2: Master",
    "scene 1/music": "Szene 1: Musik",
    "scene 1/mix": "Szene 1: Mischung",
    "scene 1/film": "Szene 1: Film",
    sound: "Ton",
    film: "Film",
    artwork: "Titelbild",
    library: "Mediathek",
    "golden/4": "Prüfbild 4",
    "portraits/2": "Referenzblatt 2",
    "scene 1/shot 2/clip 3": "scene 1/shot 2/clip 3",
    "act 1": "act 1",
  };
  expect(Object.keys(places).map((slot) => partLabel({ slot }))).toEqual(Object.values(places));
  // The part itself is told, and then its path is not read.
  expect(partLabel({ slot: "act 1", job: { job: "mix", scene: 1 } })).toBe("Szene 1: Mischung");
});

const gates: Each<Schemas["GateReason"], "why"> = {
  put_in_place: [{ why: "put_in_place" }],
  asked: [{ why: "asked" }],
  passed: [
    { why: "passed", take: 1, score: 0.82 },
    { why: "passed", take: 1, score: null, look: { why: "no_frame" } },
  ],
  best: [{ why: "best", take: 2, score: 0.4, look: null }],
  not_passed: [
    { why: "not_passed", take: 1, said: "…" },
    { why: "not_passed", take: 1, said: null },
  ],
  black: [{ why: "black", take: 1 }],
  unjudged: [{ why: "unjudged", said: null }],
};
const swaps: Each<SwapReason, "kind"> = {
  room: [{ kind: "room" }],
  nothing_left: [{ kind: "nothing_left" }],
  class: [{ kind: "class" }],
  turn: [{ kind: "turn" }],
  late: [{ kind: "late" }],
  pinned: [{ kind: "pinned" }],
  patience: [{ kind: "patience", waited_ms: 600_000 }],
  feeds: [{ kind: "feeds", card: "amd1" }],
  ahead: [{ kind: "ahead", in_ms: 120_000 }],
};
const plan = (why: SwapReason, more: Partial<SwapPlan> = {}): SwapPlan => ({
  ...{ card, model: "wan", unload: [], why, waiting: 3, cost_ms: 120_000, saves_ms: 0, ...more },
});
const hands: Each<Schemas["OverrideAction"], "do"> = {
  lock: [{ do: "lock" }],
  release: [{ do: "release" }],
  another: [{ do: "another" }],
  put: [{ do: "put", asset: "x" }],
  from: [{ do: "from", asset: "x" }],
};
const pauses: Each<Schemas["DatasetPause"], "why"> = {
  person: [{ why: "person", at: 0 }],
  rejections: [{ why: "rejections", count: 5, common: "not_solo", at: 0 }],
  hopeless: [{ why: "hopeless", cells: 4, at: 0 }],
  vain: [{ why: "vain", count: 30, at: 0 }],
};
const reasons: Each<Schemas["Reason"], "why"> = {
  good: [{ why: "good" }],
  scored: [{ why: "scored", percent: 91, asked: 80 }],
  rejected: [{ why: "rejected", categories: ["blurry"] }],
};
const job: Schemas["Work"] = { job: "take", subject: "clip", scene: 2, shot: 3, take: 1 };
const lost: Schemas["TaskFault"] = { code: "cancelled" };
const fits: Each<Schemas["Fit"], "how"> = {
  hurried: [{ how: "hurried", speed: 1150, asked_ms: 3000 }],
  extended: [{ how: "extended", asked_ms: 3000, needs_ms: 4200 }],
};
const routes: Schemas["RouteReason"][] = routeRuleValues.flatMap((rule) => [
  { missing: null, by: rule === "stands_in" ? null : ("ltx" as const), engine: "draft.clips", rule },
  { missing: "wan" as const, by: null, engine: "draft.clips", rule },
]);
const overruled: Each<Schemas["Overruled"], "by"> = {
  by_sheet: [{ by: "by_sheet" }],
  by_episode: [{ by: "by_episode", season: 1, episode: 2 }],
};
const warnings: Each<Schemas["JudgeWarning"], "warning"> = {
  low: [{ warning: "low", share: 0.6, takes: 20, kappa: 0.12 }],
  fallen: [{ warning: "fallen", share: 0.8, takes: 20, before: 0.95 }],
};
const remarks: Each<Schemas["FilmRemark"], "remark"> = {
  // What an older studio kept has no other words.
  said: [],
  screenplay: [{ remark: "screenplay", line: 3, message }],
  replaces: [{ remark: "replaces", title: "Anna" }],
  overruled: all("by", overruled).map((by) => ({ remark: "overruled", character: "MARA", by })),
  given_left_out: [{ remark: "given_left_out", job }],
  source_left_out: [{ remark: "source_left_out", job }],
  draft_speaks: [{ remark: "draft_speaks", job, why: message }],
  recording: [{ remark: "recording", job, said: message }],
  misheard: [{ remark: "misheard", job, percent: 40 }],
  no_voice: [{ remark: "no_voice", job }],
  no_music: [{ remark: "no_music", scene: 2 }],
  draft_plays: [{ remark: "draft_plays", scene: 2, why: message }],
  no_sound: [{ remark: "no_sound", scene: 2 }],
  silent: [{ remark: "silent" }],
  held: [{ remark: "held", job, short_ms: 1200 }],
  fitted: all("how", fits).map((fit) => ({ remark: "fitted", job, fit })),
  routed: routes.map((route) => ({ remark: "routed", job, route })),
  begun_anew: [{ remark: "begun_anew", job, drifted: 2 }],
  from_dataset: [{ remark: "from_dataset", job, picture: "1", asked: { framing: "face" }, agrees: ["framing"] }],
  goes_on: [{ remark: "goes_on", job, from: 2 }],
  settings: [
    {
      remark: "settings",
      job,
      model: "sdxl",
      settings: [
        { setting: "cfg", value: "6.0", takes: null },
        { setting: "steps", value: "30", takes: 12 },
      ],
    },
  ],
  gate: [{ remark: "gate", job, reason: { why: "best", take: 2, score: 0.4, look: null } }],
  not_made: [{ remark: "not_made", job, fault: lost }],
  not_in_library: [{ remark: "not_in_library", fault: lost }],
  no_portrait: (["awaits_person", "rejected", "judge_away", "not_made"] as const).map((why) => ({
    remark: "no_portrait",
    subject: { of: "character", name: "MARA" },
    why,
  })),
  lora_left_out: [{ remark: "lora_left_out", character: "MARA", file: "studiod/a-b/c.safetensors", base: "wan" }],
  style_left_out: [{ remark: "style_left_out", file: "studiod/a-style/c.safetensors", base: "wan" }],
  lora_unknown: [{ remark: "lora_unknown", name: "red dress" }],
  given_up: [{ remark: "given_up", fault: lost }],
  judge: all("warning", warnings).map((warning) => ({ remark: "judge", warning })),
};

it("says what a film lacks", async () => {
  const german = await inWords(all("remark", remarks), (remark) => remarkLabel(remark, SAID));
  expect(new Set(german).size).toBe(german.length);
  expect(remarkLabel(remarks.misheard[0]!, SAID).replaceAll("\u00a0", " ")).toBe(
    "Szene 2, Einstellung 3: Clip, Take 1 ist schwer zu verstehen: 40 % der Wörter wurden anders gehört",
  );
  expect(remarkLabel({ remark: "said", text: "no music in scene 2" }, SAID)).toBe("no music in scene 2");
  expect(remarkLabel({ remark: "solar_flare" } as never, SAID)).toBe(SAID);
});

const [epoch, strength, by, error] = [6, 80, 0.2, 0.05];
const chosen: Each<Schemas["ChoiceWhy"], "why"> = {
  better: [{ why: "better", by, error }],
  not_better: [{ why: "not_better", by, error }],
  undertrained: [{ why: "undertrained" }],
  overtrained: [{ why: "overtrained" }],
  unjudged: [{ why: "unjudged" }],
  not_shown: [{ why: "not_shown" }],
  person: [{ why: "person" }],
};

/** Why pictures are asked for, but what only an earlier studio said. */
const asked: Each<Exclude<Schemas["PictureWhy"], { what: "said" }>, "what"> = {
  missing: [0, 9].map((results) => ({
    ...{ what: "missing", axis: "framing", word: "face", have: 1, want: 3 },
    arm: { arm: "cfg+1", approved: 0, results },
  })),
  repair: [0, 9].map((tried) => ({
    ...{ what: "repair", repair: "solo", category: "not_solo" },
    helped: { approved: 0, tried },
  })),
};

/** What each kind of decision is made from, and the word of its outcome. */
const decisions: Record<Schemas["DecisionKind"], [inputs: object, outcome: string][]> = {
  gate: all("why", gates).map((from) => [{ slot, from }, "clips"]),
  memory: rungValues.flatMap((rung): [object, string][] => [
    [{ slot, rung }, SAID],
    [{ slot, rung, message }, SAID],
  ]),
  swap: [
    ...all("kind", swaps).map((why): [object, string] => [plan(why), "wan"]),
    [plan({ kind: "room" }, { unload: [{ seat: "s", model: "ltx" }], saves_ms: 60_000 }), "wan"],
  ],
  quarantine: [[{ seat: "box", until: 1, cause: { code: "attempt", kind: "transient", message } }, "quarantine"]],
  hand: [
    ...all("do", hands).map((hand): [object, string] => [{ slot, hand }, SAID]),
    [{ approved: "pictures", shots: 3 }, "approved"],
    [{ approved: "clips", shots: 1 }, "approved"],
  ],
  replenish: [
    ...all("why", pauses).map((pause): [object, string] => [{ character: "x", pause }, "paused"]),
    ...all("what", asked).map((why): [object, string] => [{ character: "x", tried: { why } }, "asked"]),
  ],
  picture: all("why", reasons).flatMap((reason): [object, string][] => [
    [{ reason }, "approved"],
    [{ reason }, "rejected"],
  ]),
  order: all("remark", remarks).map((remark) => [{ slot, from: "0f3a", remark }, "clips"]),
  judge: [
    ...all("warning", warnings).map((warning): [object, string] => [{ judge: "x", warning }, "warned"]),
    [{ judge: "x", warning: null, share: 0.9, takes: 20 }, "as before"],
  ],
  training: [
    ...all("why", chosen).map((why): [object, string] => [{ choice: { epoch, strength, why, ranked: [] } }, "used"]),
    [{ choice: { epoch: null, strength, why: { why: "unjudged" }, ranked: [] } }, "asked"],
    [{ choice: { epoch: null, strength, why: { why: "not_shown" }, ranked: [] } }, "asked"],
    [{ choice: { epoch, strength, why: { why: "person" }, ranked: [] } }, "kept"],
  ],
};
const decision = (kind: Schemas["DecisionKind"], inputs: unknown, outcome: string) => ({
  ...{ kind, inputs, outcome, reason: SAID, created: 0 },
});

it("says why something was decided, and what", async () => {
  const made = decisionKindValues.flatMap((kind) => decisions[kind].map((one) => decision(kind, ...one)));
  await inWords(made, decisionLabel);
  // Clips and models are called the same in both.
  const named = made.filter(({ kind }) => !["swap", "gate", "order"].includes(kind));
  await inWords(named, outcomeLabel);
  const outcomes: [Schemas["DecisionKind"], string][] = [
    ["swap", "wan"],
    ["order", "voices"],
    ["judge", "as before"],
    ["judge", "warned"],
    ["replenish", "asked"],
  ];
  expect(outcomes.map(([kind, outcome]) => outcomeLabel(decision(kind, {}, outcome)))).toEqual([
    "wan",
    "Stimmen",
    "wie zuvor",
    "gewarnt",
    "bestellt",
  ]);
  const say = (kind: Schemas["DecisionKind"], inputs: unknown) => decisionLabel(decision(kind, inputs, ""));
  expect(say("gate", { from: { why: "passed", take: 1, score: 0.82, look: "…" } })).toBe(
    "Take 1 hat bestanden: 82 von 100; jemand sollte hinsehen: …",
  );
  const replaced = { unload: [{ seat: "s", model: "ltx" }], saves_ms: 60_000 };
  expect(say("swap", plan({ kind: "nothing_left" }, replaced))).toBe(
    "wan kommt auf amd0 anstelle von ltx: auf das Bisherige wartet nichts; 3 warten, kostet 2 Min., spart bis zu 1 Min. gegenüber der Reihenfolge des Eintreffens",
  );
  expect(say("hand", { slot, hand: { do: "lock" } })).toBe("Von Hand festgehalten: „Szene 2, Einstellung 3: Clip“");
});

it("leaves a decision of another studio in that studio's words", () => {
  const other: [Schemas["DecisionKind"], unknown][] = [
    ["gate", { from: "0f3a" }],
    ["gate", { from: { why: "solar_flare" } }],
    ["memory", {}],
    ["swap", { model: "wan" }],
    ["swap", plan({ kind: "solar_flare" } as never)],
    ["quarantine", { seat: "box", until: 1 }],
    ["hand", { hand: { do: "juggle" } }],
    ["hand", {}],
    ["replenish", { tried: {} }],
    ["replenish", { tried: { why: SAID } }],
    ["picture", {}],
    ["order", { from: "0f3a" }],
    ["order", { from: "0f3a", remark: { remark: "solar_flare" } }],
    ["order", { remark: { remark: "not_made", job, fault: { code: "solar_flare" } } }],
    ["judge", null],
    ["training", {}],
    ["training", { choice: { epoch: 6, strength: 80, why: { why: "solar_flare" } } }],
    ["solar_flare" as never, {}],
  ];
  expect(other.map(([kind, inputs]) => decisionLabel(decision(kind, inputs, "")))).toEqual(other.map(() => SAID));
  expect(outcomeLabel(decision("memory", null, SAID))).toBe(SAID);
});
