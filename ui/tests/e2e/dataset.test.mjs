/** Datasets as people fill them: the real program, the draft engine, a real browser. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browse, flaws, open, PATIENCE, PHONE, shots, STORY, Studio, until as untilLong } from "./studio.mjs";

/** What a page does at once; only what is drawn takes longer. */
const until = (what, look, patience = 60_000) => untilLong(what, look, patience);
let studio, browser, page;
/** Two characters of one project. */
let anna, ben;

before(async () => {
  mkdirSync(shots, { recursive: true });
  studio = await new Studio().start();
  browser = await browse();
  page = await open(browser);
  await studio.post("/api/import?project=doors&hold=true", `${STORY}\nBEN\nOnly the rain.\n`);
  const { characters } = await studio.get("/api/characters");
  [anna, ben] = ["ANNA", "BEN"].map((name) => characters.find(({ character }) => character.name === name).character.id);
});
after(async () => {
  await browser?.close();
  await studio?.stop();
});
const clean = (one = page) => assert.deepEqual(one.faults.splice(0), [], "nothing on the console");
const dataset = (id) => studio.get(`/api/characters/${id}/dataset`);
const pictures = async (query) => (await studio.get(`/api/pictures?limit=500&${query}`)).pictures;
/** Files of pictures that nobody takes for each other. */
async function drawn(count) {
  const all = await page.evaluate(async (count) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 640 });
    const brush = canvas.getContext("2d");
    const made = [];
    for (let n = 0; n < count; n++) {
      // A small generator of its own: the same pictures at every run.
      let seed = n * 7919 + 17;
      const chance = (most) => (seed = (seed * 48271) % 2147483647) % most;
      brush.fillStyle = `hsl(${chance(360)} 60% ${30 + chance(40)}%)`;
      brush.fillRect(0, 0, 640, 640);
      for (let shape = 0; shape < 14; shape++) {
        brush.fillStyle = `hsl(${chance(360)} 80% ${20 + chance(60)}%)`;
        brush.beginPath();
        brush.ellipse(chance(640), chance(640), 30 + chance(160), 30 + chance(160), chance(6), 0, 7);
        brush.fill();
      }
      made.push(canvas.toDataURL("image/png").split(",")[1]);
    }
    return made;
  }, count);
  return all.map((text, n) => ({ name: `own ${n}.png`, mimeType: "image/png", buffer: Buffer.from(text, "base64") }));
}

test("the studio fills a dataset by itself, rests when it is told to, and stops at the target", async () => {
  await page.goto(`${studio.base}/characters/${anna}`);
  await page.getByRole("link", { name: "Dataset" }).click();
  await page.getByText("No picture yet", { exact: true }).waitFor();
  await page.getByText("It is switched off.").waitFor();
  await page.screenshot({ path: join(shots, "dataset-empty.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);

  // What its owner says of it is kept as it is written.
  await page.getByText("Settings", { exact: true }).last().click();
  await page.getByLabel("Enough pictures").fill("3");
  await page.getByLabel("Judge rejects below").fill("95");
  await page.getByLabel("Judge rejects below").blur();
  await page.getByLabel("Trigger word").fill("annadoor");
  await page.getByLabel("Trigger word").blur();
  const settings = async () => (await dataset(anna)).dataset.settings;
  await until("the settings", async () => (await settings()).target === 3 && (await settings()).trigger === "annadoor");
  assert.equal((await settings()).reject, 0.4, "bands that cross are not kept");

  const fill = page.getByRole("switch", { name: "Fill by itself" });
  await fill.click();
  await until("the switch", async () => (await fill.getAttribute("aria-checked")) === "true");
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByText(/^Paused by you/).waitFor();
  assert.equal((await dataset(anna)).dataset.paused.why, "person");
  await page.screenshot({ path: join(shots, "dataset-paused.png"), fullPage: true });
  await page.getByRole("button", { name: "Go on", exact: true }).click();
  await until("it goes on", async () => !(await dataset(anna)).dataset.paused);

  // What a person still has to decide is decided here, so that the target is reached whatever the judge says.
  await until(
    "three approved pictures",
    async () => {
      const { counts } = await dataset(anna);
      for (const { id } of await pictures(`character=${anna}&awaiting=true`))
        await fetch(`${studio.base}/api/pictures/${id}/decision`, {
          method: "PUT",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ good: true }),
        });
      return counts.approved >= 3;
    },
    PATIENCE,
  );
  await page.getByText(/^There are enough: \d of 3/).waitFor();
  const made = await pictures(`character=${anna}`);
  await page.locator(`[data-picture="${made[0].id}"]`).waitFor();
  await page.screenshot({ path: join(shots, "dataset-target.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);

  // How one was made, and why.
  await page.locator(`[data-picture="${made[0].id}"] button`).first().click();
  const sheet = page.getByRole("dialog", { name: "Picture" });
  await sheet.getByText("made by the studio").waitFor();
  const { why } = made[0].made.tried;
  assert.equal(why.what, "missing");
  await sheet.getByText(`: ${why.have} of ${why.want} pictures; `).waitFor();
  await sheet.getByLabel("Caption").fill("a woman at a door");
  await sheet.getByLabel("Caption").blur();
  await until(
    "the caption",
    async () => (await studio.get(`/api/pictures/${made[0].id}`)).picture.caption?.text === "a woman at a door",
  );
  await page.screenshot({ path: join(shots, "dataset-picture.png") });
  assert.deepEqual(await flaws(page), []);
  await page.keyboard.press("Escape");
  await sheet.waitFor({ state: "detached" });
  await fill.click();
  await until("the switch", async () => !(await dataset(anna)).dataset.replenish);
  clean();
});

test("pictures of one's own are reviewed by key and by thumb, and taken back", async () => {
  await page.goto(`${studio.base}/characters/${ben}/dataset`);
  await page.getByText("It is switched off.").waitFor();
  const files = await drawn(6);
  const chooser = page.locator("input[type=file]");
  await chooser.setInputFiles([...files, { name: "notes.png", mimeType: "image/png", buffer: Buffer.from("hello") }]);
  await page.getByText("6 new pictures", { exact: true }).waitFor();
  await page.getByRole("alert").getByText("Not taken").waitFor();
  const waiting = () => pictures(`character=${ben}&awaiting=true`);
  await until("six that wait", async () => (await waiting()).length === 6);
  // The very same again changes nothing.
  await chooser.setInputFiles(files.slice(0, 2));
  await page.getByText("2 were there already", { exact: true }).waitFor();
  // The browser tells that one was refused, as the page does.
  assert.match(page.faults.splice(0).join(), /^[^,]*415[^,]*$/);

  await page.goto(`${studio.base}/review`);
  const left = (n) => page.getByText(`${n} left`, { exact: true }).waitFor();
  await left(6);
  const now = () => page.locator("[data-review]").getAttribute("data-review");
  const first = await now();
  await page.keyboard.press("ArrowRight");
  await left(5);
  const second = await now();
  await page.keyboard.press("ArrowLeft");
  await page.getByRole("dialog", { name: "What is wrong?" }).waitFor();
  await page.screenshot({ path: join(shots, "dataset-reasons.png") });
  await page.keyboard.press("9");
  await page.keyboard.press("Enter");
  await left(4);
  const one = async (id) => (await studio.get(`/api/pictures/${id}`)).picture;
  await until("the first is approved", async () => (await one(first)).state === "approved");
  await until("the second is rejected", async () => (await one(second)).state === "rejected");
  assert.deepEqual((await one(second)).decision.reason, { why: "rejected", categories: ["blurry"] });
  await page.keyboard.press("u");
  await left(5);
  await until("it waits again", async () => (await one(second)).state === "pending");
  assert.equal(await now(), second);
  await page.screenshot({ path: join(shots, "dataset-review.png") });
  assert.deepEqual(await flaws(page), []);
  clean();

  const phone = await open(browser, PHONE);
  await phone.goto(`${studio.base}/review`);
  await phone.locator(`[data-review="${second}"] img`).first().waitFor();
  const box = await phone.locator("[data-review] img").first().boundingBox();
  const touch = await phone.context().newCDPSession(phone);
  const at = (x) => ({ touchPoints: [{ x, y: box.y + box.height / 2 }] });
  await touch.send("Input.dispatchTouchEvent", { type: "touchStart", ...at(box.x + 40) });
  for (const x of [80, 130, 180, 220])
    await touch.send("Input.dispatchTouchEvent", { type: "touchMove", ...at(box.x + x) });
  await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await until("a thumb approves it", async () => (await one(second)).state === "approved");
  await phone.getByText("4 left", { exact: true }).waitFor();
  await phone.screenshot({ path: join(shots, "dataset-review-phone.png") });
  assert.deepEqual(await flaws(phone), []);
  await phone.getByRole("button", { name: "Undo" }).click();
  await until("and takes it back", async () => (await one(second)).state === "pending");
  await phone.goto(`${studio.base}/characters/${ben}/dataset`);
  await phone.locator("[data-picture]").first().waitFor();
  await phone.screenshot({ path: join(shots, "dataset-phone.png"), fullPage: true });
  assert.deepEqual(await flaws(phone), []);
  clean(phone);
  await phone.context().close();
});

test("the wall takes many at once by key, filters, and shows what others do", async () => {
  await page.goto(`${studio.base}/characters/${ben}/dataset`);
  await page.getByRole("button", { name: "For you", exact: true }).click();
  const tiles = page.locator("[data-picture]");
  await until("five tiles", async () => (await tiles.count()) === 5);
  await tiles.nth(0).getByRole("checkbox").click();
  await tiles
    .nth(2)
    .getByRole("checkbox")
    .click({ modifiers: ["Shift"] });
  await page.getByText("3 selected").waitFor();
  await page.keyboard.press("r");
  await page.getByRole("dialog", { name: "What is wrong?" }).waitFor();
  await page.keyboard.press("2");
  await page.keyboard.press("Enter");
  await until("three rejected", async () => (await pictures(`character=${ben}&state=rejected`)).length === 3);
  await until("two tiles", async () => (await tiles.count()) === 2);
  await page.keyboard.press("u");
  await until("all back", async () => (await pictures(`character=${ben}&state=rejected`)).length === 0);
  await until("five tiles", async () => (await tiles.count()) === 5);

  // Somebody else decides, and gives one away; this page shows both.
  const [a, b] = await pictures(`character=${ben}&awaiting=true`);
  const say = (path, method, body) =>
    fetch(studio.base + path, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  await say(`/api/pictures/${a.id}/decision`, "PUT", { good: true });
  await say(`/api/pictures/${b.id}/reassign`, "POST", { character: anna });
  await until("three tiles", async () => (await tiles.count()) === 3);

  await page.getByRole("button", { name: "All", exact: true }).click();
  await until("five tiles", async () => (await tiles.count()) === 5);
  await page.getByLabel("Angle", { exact: true }).selectOption("side");
  await page.getByText("No picture is like that").waitFor();
  await page.getByLabel("Angle", { exact: true }).selectOption("");

  // A place in the grid, by a person; then the grid shows it.
  await page.locator(`[data-picture="${a.id}"] button`).first().click();
  const sheet = page.getByRole("dialog", { name: "Picture" });
  await sheet.getByText(/^It shows/).click();
  await sheet.getByLabel("Framing").selectOption("face");
  await until("the framing", async () => (await studio.get(`/api/pictures/${a.id}`)).picture.cell.framing === "face");
  await sheet.getByLabel("Angle").selectOption("side");
  await until("the angle", async () => (await studio.get(`/api/pictures/${a.id}`)).picture.cell.angle === "side");
  await page.keyboard.press("Escape");
  await sheet.waitFor({ state: "detached" });
  await page.getByRole("button", { name: /^Face, Side:\s*1/ }).click();
  await page.getByRole("button", { name: "Show these" }).click();
  await until("one tile", async () => (await tiles.count()) === 1);

  // What further pictures avoid.
  await page.getByLabel("Words to avoid").fill("umbrella, hat");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await until("the words", async () => (await dataset(ben)).dataset.settings.avoid.join() === "umbrella,hat");
  await page.getByRole("button", { name: "No longer avoid “hat”" }).click();
  await until("one word", async () => (await dataset(ben)).dataset.settings.avoid.join() === "umbrella");
  clean();
});

test("pictures are judged once more, compared, described and taken away to be trained on", async () => {
  await page.goto(`${studio.base}/characters/${ben}/dataset`);
  const unfold = (title) => page.locator("summary", { has: page.getByRole("heading", { name: title }) }).click();
  await unfold("Judge many at once");
  await page.locator("#review-which").selectOption("Approved");
  await page.getByRole("button", { name: "Have them judged" }).click();
  await page.getByText("1 earlier one").click();
  await page
    .locator("li", { hasText: /^\s*Judged · / })
    .getByText(/\d+ as decided before/)
    .waitFor();

  // Thresholds are tried, and nothing is changed until they are kept.
  await unfold("Near-duplicates");
  await page.getByText(/^0 groups/).waitFor();
  const dct = page.locator("#dataset-copy_dct");
  await dct.fill("12");
  await dct.blur();
  await page.getByText(/^0 groups/).waitFor();
  assert.equal((await dataset(ben)).dataset.settings.copy_dct, 40);
  await page.getByRole("button", { name: "Keep these" }).click();
  await until("the threshold", async () => (await dataset(ben)).dataset.settings.copy_dct === 12);

  // Words are replaced in all captions, after a look, and taken back.
  const [one] = await pictures(`character=${ben}&state=approved`);
  await page.locator(`[data-picture="${one.id}"]`).click();
  const sheet = page.getByRole("dialog");
  await sheet.getByLabel("Caption").fill("a red hat, rain");
  await sheet.getByLabel("Caption").blur();
  const told = async () => (await studio.get(`/api/pictures/${one.id}`)).picture.caption?.text;
  await until("the caption", async () => (await told()) === "a red hat, rain");
  await page.keyboard.press("Escape");
  await unfold("Captions");
  await page.getByLabel("Find").fill("red hat");
  await page.getByLabel("Replace by").fill("blue cap");
  await page.getByRole("button", { name: "Look first" }).click();
  await page.getByText("a blue cap, rain").waitFor();
  await page.getByRole("button", { name: "Change 1" }).click();
  await until("the new words", async () => (await told()) === "a blue cap, rain");
  await page.getByRole("button", { name: "Take 1 back" }).click();
  await until("the old words", async () => (await told()) === "a red hat, rain");

  await unfold("For training");
  const [saved] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Save as an archive" }).click(),
  ]);
  const archive = readFileSync(await saved.path());
  assert.equal(archive.subarray(0, 2).toString(), "PK", saved.suggestedFilename());
  assert.ok(archive.includes("a red hat, rain"), "captions are stored as they are");
  await page.screenshot({ path: join(shots, "dataset-tools.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);
  clean();
});

test("a dataset speaks German", async () => {
  const german = await open(browser, { locale: "de-DE", ...PHONE });
  await german.goto(`${studio.base}/characters/${ben}/dataset`);
  await german.getByRole("switch", { name: "Von selbst füllen" }).waitFor();
  await german.locator("[data-picture]").first().waitFor();
  await german.screenshot({ path: join(shots, "dataset-german-phone.png"), fullPage: true });
  assert.deepEqual(await flaws(german), []);
  clean(german);
  await german.context().close();
});
