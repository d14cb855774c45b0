/** LoRAs as people train them: the real program, a trainer that trains nothing, a ComfyUI that speaks the real protocol. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browse, flaws, open, PATIENCE, PHONE, Servers, shots, STORY, Studio, until as untilLong } from "./studio.mjs";

/** What a page does at once; only what is trained and drawn takes longer. */
const until = (what, look, patience = 60_000) => untilLong(what, look, patience);
const fake = join(import.meta.dirname, "../../../daemon/tests/fake_trainer");
let servers, studio, bare, browser, page, machine;
/** A character, whose set it is, and a film that shows nobody else. */
let anna, film;

/** What a trainer needs on a machine, and the settings that name it. */
function equip() {
  machine = mkdtempSync(join(tmpdir(), "studiod-trainer-"));
  const put = (name, text = "{}") => {
    mkdirSync(join(machine, name, ".."), { recursive: true });
    writeFileSync(join(machine, name), text);
  };
  put("checkout/library/train_util.py", "");
  for (const script of ["train_network.py", "sdxl_train_network.py"])
    copyFileSync(join(fake, script), join(machine, "checkout", script));
  for (const file of ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"])
    put(`tokenizers/openai_clip-vit-large-patch14/${file}`);
  put("base.safetensors", "what is built upon");
  mkdirSync(join(machine, "loras"));
  servers.say(`loras ${join(machine, "loras")}`);
  const python = execFileSync("sh", ["-c", "command -v python3"], { encoding: "utf8" }).trim();
  const models = `stills = "sd15"\nloras = "${join(machine, "loras")}"\n`;
  const training = [
    `[training]\ntrainer = "sd-scripts"`,
    `[training.paths]\ncheckout = "${join(machine, "checkout")}"\npython = "${python}"`,
    `tokenizers = "${join(machine, "tokenizers")}"`,
    `[training.bases]\nsd15 = "${join(machine, "base.safetensors")}"\n`,
  ];
  return servers.settings().replace(`stills = "sd15"\n`, models) + training.join("\n");
}

/** A trainer's steps take long enough to be watched, and paused. */
function slow({ data }) {
  const shipped = readFileSync(join(import.meta.dirname, "../../../trainers/sd-scripts.toml"), "utf8");
  mkdirSync(join(data, "trainers"), { recursive: true });
  writeFileSync(
    join(data, "trainers/sd-scripts.toml"),
    shipped.replace("[environment]\n", `[environment]\nFAKE_TRAINER_STEP_MS = "8"\n`),
  );
}

before(async () => {
  mkdirSync(shots, { recursive: true });
  servers = await new Servers().start();
  studio = new Studio(equip());
  slow(studio);
  await studio.start();
  browser = await browse();
  page = await open(browser);
  await studio.post("/api/import?project=doors&hold=true", STORY);
  const { characters } = await studio.get("/api/characters");
  anna = characters.find(({ character }) => character.name === "ANNA").character.id;
});
after(async () => {
  await browser?.close();
  await studio?.stop();
  await bare?.stop();
  servers?.stop();
  if (machine) rmSync(machine, { recursive: true, force: true });
});
const clean = (one = page) => assert.deepEqual(one.faults.splice(0), [], "nothing on the console");
const runs = async () => (await studio.get(`/api/characters/${anna}/trainings`)).trainings;
const loras = async () => (await studio.get(`/api/characters/${anna}/loras`)).loras;

/** Graphs that ComfyUI was given, the oldest first. */
const graphs = async () =>
  Object.values(await (await fetch(`${servers.comfy}/history`)).json()).map((one) => one.prompt[2]);
const lorasIn = (graph) => Object.values(graph).flatMap(({ inputs }) => inputs.lora_name ?? []);

/** Shows ANNA, and nobody else. */
const ALONE = `Title: The Window
Show: Doors
Season: 1
Episode: 3

INT. KITCHEN - NIGHT

A window. [[shot: medium, 1.5s]]

ANNA
The rain again.
`;

/** Files of pictures that nobody takes for each other. */
function drawn(count) {
  return page.evaluate(async (count) => {
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
}

test("a character without pictures is told what is missing, and where it comes from", async () => {
  await page.goto(`${studio.base}/characters/${anna}`);
  await page.getByRole("navigation", { name: "About this character" }).getByRole("link", { name: "Training" }).click();
  await page.getByText("Nothing was trained yet").waitFor();
  await page.getByText("No LoRA yet.").waitFor();
  const ready = page.getByRole("region", { name: "Is it enough?" });
  await ready.getByText(/^0 pictures are approved, \d+ are needed\.$/).waitFor();
  assert.ok(await page.getByRole("button", { name: "Train", exact: true }).isDisabled());
  await page.screenshot({ path: join(shots, "training-empty.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);
  await ready
    .getByRole("button", { name: "To the dataset" })
    .or(ready.getByRole("link", { name: "To the dataset" }))
    .first()
    .click();
  await page.waitForURL(/\/dataset$/);
  clean();
});

test("a set is planned and confirmed, the run is watched and paused, an epoch is chosen, and films use it", async () => {
  const { readiness } = await studio.get(`/api/characters/${anna}/dataset`);
  await page.goto(`${studio.base}/characters/${anna}/training`);
  await page.getByText("Nothing was trained yet").waitFor();
  for (const [n, text] of (await drawn(readiness.least + 3)).entries()) {
    const answer = await fetch(`${studio.base}/api/characters/${anna}/dataset/pictures?name=own${n}.png`, {
      method: "POST",
      body: Buffer.from(text, "base64"),
    });
    assert.ok(answer.ok, await answer.text());
  }
  const { pictures } = await studio.get(`/api/pictures?limit=500&character=${anna}`);
  for (const { id } of pictures) {
    const answer = await fetch(`${studio.base}/api/pictures/${id}/decision`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ good: true }),
    });
    assert.ok(answer.ok, await answer.text());
  }

  // The plan follows the set and the form, without a reload.
  const form = page.getByRole("region", { name: "Train a LoRA" });
  const go = form.getByRole("button", { name: "Train", exact: true });
  await until("enough", () => go.isEnabled());
  await form.getByText("10 epochs of").waitFor();
  await form.getByLabel("Epochs", { exact: true }).fill("999");
  await form.getByLabel("Epochs", { exact: true }).blur();
  assert.equal(await form.getByLabel("Epochs", { exact: true }).inputValue(), "10", "what is no setting is not kept");
  await form.getByLabel("Epochs", { exact: true }).fill("4");
  await form.getByLabel("Epochs", { exact: true }).blur();
  await form.getByText(/: 4 epochs of \d+$/).waitFor();
  await form.getByText("A guess: nothing like it was trained here yet.").waitFor();
  await form.getByText("Advanced").click();
  await form.getByLabel("Optimiser").waitFor();
  await page.screenshot({ path: join(shots, "training-form.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);
  await until("the plan", () => go.isEnabled());
  await go.click();
  const sure = page.getByRole("alertdialog");
  await sure.getByText("Room on the disk").waitFor();
  await page.screenshot({ path: join(shots, "training-confirm.png") });
  assert.equal((await runs()).length, 0, "nothing begins before it is confirmed");
  await sure.getByRole("button", { name: "Train", exact: true }).click();

  const card = page.locator("[data-run]").first();
  await card.getByText(/^Epoch \d of 4$/).waitFor();
  await card.getByRole("button", { name: "Train it soon" }).click();
  await until("it waits with films", async () => (await runs())[0].training.class === "production");
  await card.getByRole("button", { name: "Let it step aside" }).click();
  await until("it steps aside", async () => (await runs())[0].training.class === "background");
  await card.getByRole("button", { name: "Pause" }).click();
  await card.getByText("Rests because you said so").waitFor();
  assert.equal((await runs())[0].training.paused, true);
  await card.getByRole("button", { name: "Go on" }).click();
  await until("it goes on", async () => !(await runs())[0].training.paused);
  await card.getByText("Epoch 4 of 4").waitFor({ timeout: PATIENCE });
  await card.getByRole("img", { name: /^Loss over \d+ steps/ }).waitFor();
  await card.getByRole("button", { name: "Log" }).click();
  await page.getByRole("dialog", { name: "Log" }).locator("pre", { hasText: "epoch" }).waitFor();
  await page.screenshot({ path: join(shots, "training-log.png") });
  assert.deepEqual(await flaws(page), []);
  await page.keyboard.press("Escape");
  await card.getByText("Epochs, and what each took").click();
  await card.locator("[data-epochs]").getByRole("columnheader", { name: "Most memory" }).waitFor();
  await page.screenshot({ path: join(shots, "training-epochs.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);

  // Nobody here can see, so nobody but a person can choose.
  await page.locator("[data-run][data-state='needs_person']").waitFor({ timeout: PATIENCE });
  await card.getByText(/Nobody could judge the pictures/).waitFor();
  const row = card.locator("[data-contender='epoch 4 80']");
  await row.locator("[data-probe] img").first().waitFor();
  await page.screenshot({ path: join(shots, "training-grid.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);
  await row
    .getByRole("button", { name: /^Epoch 4 at 80 %, / })
    .first()
    .click();
  const large = page.getByRole("dialog", { name: "Epoch 4 at 80 %" });
  await large.getByRole("img").waitFor();
  await page.screenshot({ path: join(shots, "training-probe.png") });
  assert.deepEqual(await flaws(page), []);
  await page.keyboard.press("Escape");
  await large.waitFor({ state: "detached" });

  assert.equal((await loras()).filter(({ lora }) => lora.active).length, 0, "nothing is used that nobody chose");
  await row.getByRole("button", { name: /^Use this one/ }).click();
  await sure.getByText("Use epoch 4 at 80 %?").waitFor();
  await sure.getByText(/would be made anew/).waitFor();
  await sure.getByRole("button", { name: "Use this one" }).click();
  await until("it is used", async () => (await loras()).some(({ lora }) => lora.active && lora.epoch === 4));
  const [{ lora, placed }] = await loras();
  assert.ok(placed && existsSync(join(machine, "loras", lora.file)), "it lies where ComfyUI looks");
  await card.getByText("Chosen by you: epoch 4 at a strength of 80 %.").waitFor();
  await page.locator("[data-chosen]").first().waitFor();
  await page
    .getByRole("region", { name: "LoRAs of this character" })
    .getByText("Films use it", { exact: true })
    .waitFor();
  await page.screenshot({ path: join(shots, "training-done.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);
  clean();
});

test("a film that shows the character alone is made with it", async () => {
  const [{ lora }] = await loras();
  const before = (await graphs()).length;
  const { episode } = await studio.post("/api/import?project=doors", ALONE);
  film = episode;
  await studio.film(film);
  const made = (await graphs()).slice(before).map(lorasIn);
  assert.ok(made.length > 0 && made.every((files) => files.join() === lora.file), JSON.stringify(made));
  const [{ shots: count, episodes }] = await loras();
  assert.ok(count >= 1 && episodes >= 1, `${count} shots in ${episodes} episodes`);
  clean();
});

test("a LoRA is called otherwise, acts less, is put away and taken again, and its run is begun anew with changes", async () => {
  await page.goto(`${studio.base}/characters/${anna}/training`);
  const one = page.locator("[data-lora]").first();
  const sure = page.getByRole("alertdialog");
  const save = one.getByRole("button", { name: "Save", exact: true });
  await one.getByLabel("Strength in percent").fill("999");
  assert.ok(await save.isDisabled(), "what is no strength is not kept");
  await one.getByLabel("Strength in percent").fill("70");
  await one.getByLabel("Trigger word").fill("annadoor");
  await save.click();
  await sure.getByText(/^\d+ shots? in \d+ episodes? would be made anew/).waitFor();
  assert.equal((await loras())[0].lora.strength, 80, "nothing is made anew that nobody said yes to");
  await sure.getByRole("button", { name: "Save" }).click();
  await until("the strength", async () => (await loras())[0].lora.strength === 70);
  assert.equal((await loras())[0].lora.trigger, "annadoor");
  await one.getByRole("button", { name: "No longer use it" }).click();
  await sure.getByText(/would be made anew/).waitFor();
  await sure.getByRole("button", { name: "No longer use it" }).click();
  await until("none", async () => !(await loras())[0].lora.active);
  await one.getByRole("button", { name: "Have films use it" }).click();
  await sure.getByRole("button", { name: "Have films use it" }).click();
  await until("it again", async () => (await loras())[0].lora.active);

  // What is no LoRA is refused by its content.
  await page
    .locator("input[data-test='lora']")
    .setInputFiles({ name: "notes.safetensors", mimeType: "application/octet-stream", buffer: Buffer.from("hello") });
  await page
    .getByText(/notes\.safetensors/)
    .first()
    .waitFor();
  assert.equal((await loras()).length, 1);
  page.faults.splice(0);

  await page.locator("[data-run]").first().getByRole("link", { name: "Again with changes" }).click();
  const form = page.getByRole("region", { name: "Train a LoRA" });
  await until("its settings", async () => (await form.getByLabel("Epochs", { exact: true }).inputValue()) === "4");
  await page.getByText("The same pictures were trained in the same way already.").waitFor();
  await form.getByLabel("Rank").fill("8");
  await form.getByLabel("Rank").blur();
  await until("something new", () => form.getByRole("button", { name: "Train", exact: true }).isEnabled());
  clean();
});

test("a LoRA gets a name, and a shot asks for it", async () => {
  await page.goto(`${studio.base}/characters/${anna}/training`);
  const one = page.locator("[data-lora]").first();
  const sure = page.getByRole("alertdialog");
  const name = one.getByLabel("Name in screenplays");
  await name.fill("red dress");
  await one.getByText(/\[\[shot: lora: red dress\]\]/).waitFor();
  await one.getByLabel(/^Leave the usual one out then/).check();
  await one.getByRole("button", { name: "Save", exact: true }).click();
  await sure.getByText(/Shots that ask for “red dress” are made with it from then on\./).waitFor();
  await page.screenshot({ path: join(shots, "training-name.png") });
  await sure.getByRole("button", { name: "Save" }).click();
  await one.getByText("Only where a screenplay asks for “red dress”, in place of the usual one").waitFor();
  const [{ lora }] = await loras();
  assert.deepEqual([lora.name, lora.instead, lora.active], ["red dress", true, true]);
  await page.screenshot({ path: join(shots, "training-library.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);

  await page.goto(`${studio.base}/scenes/${film}`);
  await page.getByRole("listitem").getByRole("button").first().click();
  const shot = page.getByRole("dialog");
  const asks = shot.getByLabel("LoRAs", { exact: true });
  await asks.fill("red dress 900%");
  await shot.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText(/a LoRA acts with 1% to 200%/).waitFor();
  page.faults.splice(0);
  await asks.fill("red dress 60%");
  await shot.getByRole("button", { name: "Save", exact: true }).click();
  await until("the shot asks for it", async () => {
    const { reading } = await studio.get(`/api/episodes/${film}/screenplay`);
    const { loras } = reading.scenes[0].shots[0].plan;
    return loras?.[0]?.name === "red dress" && loras[0].strength === 60;
  });
  await page.screenshot({ path: join(shots, "shot-loras.png") });
  assert.deepEqual(await flaws(page), []);

  await page.goto(`${studio.base}/projects/${lora.project_id}`);
  const films = page.getByRole("region", { name: "LoRAs for whole films" });
  await films.getByText("No LoRA yet. Import the file of a style, or of a thing.").waitFor();
  await page.screenshot({ path: join(shots, "project-loras.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);
  clean();
});

test("the studio shows every run and what its trainer needs, on a German phone too", async () => {
  await page.goto(studio.base);
  await page.getByRole("link", { name: "Training" }).click();
  await page.getByRole("heading", { name: "All trainings", level: 1 }).waitFor();
  await page.locator("[data-run]").first().getByRole("link", { name: "ANNA" }).waitFor();
  const candidates = page.getByRole("region", { name: "Who could be trained" });
  await candidates
    .locator(`[data-candidate='${anna}']`)
    .getByText(/^\d+ of \d+ approved$/)
    .waitFor();
  await page.locator("[data-trainer='sd-scripts']").getByText("the checkout of sd-scripts").waitFor();
  await page.getByLabel("Which runs").selectOption({ label: "Stopped" });
  await page.getByText("No run is like that").waitFor();
  await page.screenshot({ path: join(shots, "trainings.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);
  clean();

  const phone = await open(browser, { locale: "de-DE", ...PHONE });
  await phone.goto(`${studio.base}/training`);
  await phone.getByRole("heading", { name: "Alle Trainings", level: 1 }).waitFor();
  await phone.locator("[data-run]").first().waitFor();
  assert.deepEqual(await flaws(phone), []);
  await phone.goto(`${studio.base}/characters/${anna}/training`);
  await phone.locator("[data-contender] [data-probe] img").first().waitFor();
  await phone.screenshot({ path: join(shots, "training-phone.png"), fullPage: true });
  assert.deepEqual(await flaws(phone), []);
  clean(phone);
  await phone.context().close();
});

test("two runs are laid side by side", async () => {
  const path = `/api/characters/${anna}/trainings`;
  const { training } = await studio.post(path, { settings: { rank: 8 }, class: "background" });
  await studio.post(`/api/trainings/${training.id}/cancel`);
  await page.goto(`${studio.base}/characters/${anna}/training`);
  const runs = page.getByRole("region", { name: "Runs", exact: true });
  await until("both", async () => (await page.locator("[data-run]").count()) === 2);
  await runs.getByRole("button", { name: "Compare" }).first().click();
  await runs.getByText("Choose another run to compare it with.").waitFor();
  await runs.getByRole("button", { name: "Compare" }).last().click();
  const both = page.getByRole("region", { name: "Two runs compared" });
  await both.getByRole("row", { name: /^Rank 8 / }).waitFor();
  await both.getByRole("row", { name: /^State Was stopped Is decided/ }).waitFor();
  await page.screenshot({ path: join(shots, "training-compared.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);
  await both.getByRole("button", { name: "Close" }).click();
  await until("closed", async () => (await both.count()) === 0);
  clean();
});

test("a studio where nobody trains says how to change that", async () => {
  bare = await new Studio().start();
  await bare.post("/api/import?project=doors&hold=true", STORY);
  const { characters } = await bare.get("/api/characters");
  await page.goto(`${bare.base}/characters/${characters[0].character.id}/training`);
  await page.getByText("Nobody trains here yet").waitFor();
  await page.screenshot({ path: join(shots, "training-nobody.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);
  await page.getByRole("link", { name: "What trainers need" }).click();
  await page.locator("[data-trainer='sd-scripts']").waitFor();
  await page.getByText("Nobody has approved pictures yet").waitFor();
  await page.screenshot({ path: join(shots, "trainings-nobody.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);
  clean();
});
