/** The page of a studio with real servers beside it, as far as protocols go: ComfyUI, Ollama, speech. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browse, flaws, open, PATIENCE, PHONE, Servers, shots, STORY, Studio, until } from "./studio.mjs";

let servers, studio, browser, page;

before(async () => {
  mkdirSync(shots, { recursive: true });
  servers = await new Servers().start();
  studio = await new Studio(servers.settings()).start();
  browser = await browse();
  page = await open(browser);
});
after(async () => {
  await browser?.close();
  await studio?.stop();
  servers?.stop();
});
const clean = () => assert.deepEqual(page.faults.splice(0), [], "nothing on the console");

test("a picture is seen while ComfyUI makes it, and the film is made with it", async () => {
  servers.say("hold");
  const { episode } = await studio.post("/api/import", STORY);
  await page.goto(studio.base);
  // What runs is shown by the frames of ComfyUI's own socket, through ours.
  const preview = page.locator("article img").first();
  await preview.waitFor({ timeout: PATIENCE });
  assert.match(await preview.getAttribute("src"), /^blob:/);
  await until("a decoded frame", () => preview.evaluate((image) => image.complete && image.naturalWidth === 96));
  await page.getByText("%").first().waitFor();
  await page.screenshot({ path: join(shots, "now-rendering.png") });
  // What waits can be held back, and let go on.
  await page
    .getByRole("list", { name: "Next" })
    .getByRole("button", { name: /Why does it wait/ })
    .last()
    .click();
  await page.getByRole("button", { name: "Hold it back" }).click();
  await page.getByRole("button", { name: "Let it go on" }).click();
  await page.getByRole("button", { name: "Hold it back" }).waitFor();
  await page.keyboard.press("Escape");
  // Reloaded in mid-render, or on a second device, it is there again.
  await page.reload();
  await until("the frame again", () => preview.evaluate((image) => image.naturalWidth === 96).catch(() => false));
  await page.goto(`${studio.base}/scenes/${episode}`);
  await page.getByRole("listitem").locator("img[src^='blob:']").first().waitFor();
  servers.say("go");
  await studio.film(episode);
  const { takes } = await studio.get(`/api/takes?episode=${episode}&subject=still&limit=500`);
  assert.ok(takes.length >= 3, `${takes.length} pictures of ComfyUI`);
  await page.getByRole("listitem").locator("img[src^='blob:']").first().waitFor({ state: "detached" });
  clean();
});

test("a film is ordered with reference sheets before it", async () => {
  await page.goto(`${studio.base}/write`);
  await page
    .getByRole("textbox", { name: "The screenplay, in Fountain" })
    .fill(STORY.replace("Episode: 2", "Episode: 7"));
  await page.getByRole("button", { name: /2\. Garden/ }).waitFor();
  const first = page.getByLabel("Reference sheets first");
  await page.getByLabel("Draft engines only").check();
  await until("nothing to choose for drafts", () => first.isDisabled());
  await page.getByLabel("Draft engines only").uncheck();
  await first.selectOption({ label: "These views" });
  await page.getByLabel("Face", { exact: true }).check();
  await page.getByLabel("The place").uncheck();
  await page.screenshot({ path: join(shots, "write-portraits.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);
  await page.setViewportSize(PHONE.viewport);
  await page.screenshot({ path: join(shots, "write-portraits-phone.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByRole("button", { name: "Produce" }).click();
  await page.waitForURL(/\/episodes\//);
  const episode = page.url().split("/").at(-1);
  const { tasks } = await studio.get(`/api/tasks?episode=${episode}&limit=500`);
  const sheets = tasks.filter(({ job }) => job.job === "portraits").length;
  assert.equal(sheets, 1, "for who is in it, and none for the places");
  await studio.film(episode);
  const { characters } = await studio.get("/api/characters?q=anna");
  const { portraits } = await studio.get(`/api/characters/${characters[0].character.id}/portraits`);
  assert.deepEqual(portraits.map(({ view }) => view).toSorted(), ["face", "full_body"]);
  clean();
});

test("a story is written while nobody looks, and used", async () => {
  await page.goto(`${studio.base}/write?tell`);
  const sheet = page.getByRole("dialog");
  await sheet.getByRole("textbox").fill("Somebody waits for a light to come on in a window.");
  await sheet.getByRole("button", { name: "Write it for me" }).click();
  await sheet.getByText("Somebody waits for a light").last().waitFor();
  // The tab is closed; the story comes all the same.
  await page.goto(`${studio.base}/episodes`);
  await until("the story", async () => (await studio.get("/api/stories?state=told")).stories.length === 1);
  await page.goto(`${studio.base}/write?tell`);
  await sheet.getByRole("button", { name: "Use it" }).click();
  await page.getByRole("button", { name: /3\. Garden/ }).waitFor();
  // What is not kept asks before it is left.
  page.once("dialog", (dialog) => dialog.accept());
  await page.goto(`${studio.base}/write?tell`);
  await sheet.getByRole("button", { name: /^Remove/ }).click();
  await until("no story", async () => (await studio.get("/api/stories")).stories.length === 0);
  clean();
});

test("a character is heard with the voice of the speech server", async () => {
  const { characters } = await studio.get("/api/characters?q=anna");
  await page.goto(`${studio.base}/characters/${characters[0].character.id}`);
  const known = await page.locator("datalist#voices option").evaluateAll((all) => all.map((one) => one.value));
  await until("the voices", async () => (await page.locator("datalist#voices option").count()) === 2);
  assert.ok(known.length === 0 || known.includes("af_heart"));
  await page.getByLabel("Voice on the speech server").fill("am_adam");
  const spoken = page.waitForResponse((answer) => answer.url().endsWith("/audition"));
  await page.getByRole("button", { name: "Speak" }).click();
  const said = await (await spoken).json();
  assert.deepEqual([said.by, said.stands_in], ["speech", null]);
  await page.locator("audio").last().waitFor();
  clean();
});

test("settings try the language models and set quiet hours", async () => {
  await page.goto(`${studio.base}/settings`);
  await page.getByText(/nvidia0 is version/).waitFor();
  await page.getByRole("button", { name: "Try the language models" }).click();
  // The model that tells stories does not keep to another form: that is said, with the remedy.
  await page.getByText("qwen3:8b does not keep to the form").waitFor();
  await page.getByRole("button", { name: "Add quiet hours" }).click();
  await page.getByLabel("From").fill("00:00");
  await page.getByLabel("To", { exact: true }).fill("00:00");
  await page.getByLabel("What rests").selectOption({ label: "comfy" });
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await until("quiet", async () =>
    (await studio.get("/api/fleet")).pauses.some(
      ([scope, pause]) => scope.name === "comfy" && pause.why === "quiet hours",
    ),
  );
  await page.screenshot({ path: join(shots, "settings-quiet.png"), fullPage: true });
  await page.getByRole("button", { name: "As the settings file says" }).click();
  await until("no longer quiet", async () => (await studio.get("/api/fleet")).pauses.length === 0);
  clean();
});

test("a server that goes away is told of where everybody looks", async () => {
  await page.goto(studio.base);
  await page.getByRole("heading", { name: "Now", level: 1 }).waitFor();
  servers.stop();
  const told = page.locator("p").filter({ hasText: /^comfy:/ });
  await told.waitFor();
  assert.match(await told.textContent(), /does not answer: .*; start ComfyUI there/);
  // The voice is away, too: the draft speaks, and says that it is not the one of the films.
  const { characters } = await studio.get("/api/characters?q=anna");
  await page.goto(`${studio.base}/characters/${characters[0].character.id}`);
  await until("its absence", async () =>
    (await studio.get("/api/fleet")).cpu.some((seat) => seat.engine === "speech" && !seat.here),
  );
  await page.getByRole("button", { name: "Speak" }).click();
  await page.getByText(/^This is the draft voice: speech is not there/).waitFor();
  clean();
});
