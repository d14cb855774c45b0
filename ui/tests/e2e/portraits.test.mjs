/** Reference sheets as people make them: the real program, the draft engine, a real browser. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browse, flaws, open, PHONE, shots, STORY, Studio, until } from "./studio.mjs";

let studio, browser, page, anna, kitchen;

before(async () => {
  mkdirSync(shots, { recursive: true });
  studio = await new Studio().start();
  browser = await browse();
  page = await open(browser);
  await studio.post("/api/import?project=doors&hold=true", STORY);
  const { characters } = await studio.get("/api/characters");
  anna = characters.find(({ character }) => character.name === "ANNA").character.id;
  const { locations } = await studio.get("/api/locations");
  kitchen = locations.find(({ location }) => /kitchen/i.test(location.name)).location.id;
});
after(async () => {
  await browser?.close();
  await studio?.stop();
});
const clean = (one = page) => assert.deepEqual(one.faults.splice(0), [], "nothing on the console");
const portraits = async (of, id) => (await studio.get(`/api/${of}/${id}/portraits`)).portraits;

test("a sheet is made, refined, approved into the references, and taken back", async () => {
  await page.goto(`${studio.base}/characters/${anna}`);
  const sheet = page.getByRole("region", { name: "Reference sheet" });
  await sheet.getByText("No portraits yet").waitFor();
  await page.screenshot({ path: join(shots, "portraits-empty.png"), fullPage: true });
  await sheet.getByRole("button", { name: "Make the whole sheet" }).click();
  await until("the whole sheet", async () => {
    const all = await portraits("characters", anna);
    return all.length === 9 && all.every(({ verdict }) => verdict);
  });
  const face = sheet.locator("[data-view='face'] li");
  await face.first().getByRole("button", { name: "Refine in words" }).click();
  await face.first().getByLabel("What is to be different?").fill("older, a grey shawl");
  await face.first().getByRole("button", { name: "Refine in words" }).last().click();
  await face.getByText("older, a grey shawl").waitFor();
  await until("the refined one", async () => (await portraits("characters", anna)).length === 10);

  const references = async () => (await studio.get(`/api/characters/${anna}`)).sheet.references.length;
  assert.equal(await references(), 0, "nothing is a reference that nobody has approved");
  await sheet.locator("[data-view='full_body']").getByRole("button", { name: "Approve: it is a reference" }).click();
  await until("the reference", async () => (await references()) === 1);
  await sheet.locator("[data-view='full_body']").getByText("Approved by you").waitFor();
  await page.screenshot({ path: join(shots, "portraits-sheet.png"), fullPage: true });
  assert.deepEqual(await flaws(page), []);
  await sheet.locator("[data-view='full_body']").getByRole("button", { name: "Take the decision back" }).click();
  await until("no reference", async () => (await references()) === 0);
  clean();
});

test("a place has its picture, on a German phone", async () => {
  const phone = await open(browser, { locale: "de-DE", ...PHONE });
  await phone.goto(`${studio.base}/places/${kitchen}`);
  const sheet = phone.locator("section", { has: phone.locator("input[data-test='file']") });
  await sheet.getByRole("button").first().tap();
  await until("the place", async () => (await portraits("locations", kitchen)).some(({ verdict }) => verdict));
  await sheet.locator("[data-view='establishing'] img").waitFor();
  await phone.screenshot({ path: join(shots, "portraits-place-phone.png"), fullPage: true });
  assert.deepEqual(await flaws(phone), []);
  clean(phone);
  await phone.context().close();
});
