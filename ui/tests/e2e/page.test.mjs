/** The page as people use it: the real program, draft engines, a real browser. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browse, open, PATIENCE, shots, STORY, Studio, until as untilLong } from "./studio.mjs";

const AXE = readFileSync(join(import.meta.dirname, "../../node_modules/axe-core/axe.min.js"), "utf8");
/** What a page does at once; only films take longer. */
const until = (what, look) => untilLong(what, look, 60_000);
let studio, browser, page;
/** The example's episode, made by the first test. */
let film;

before(async () => {
  mkdirSync(shots, { recursive: true });
  studio = await new Studio().start();
  browser = await browse();
  page = await open(browser);
});
after(async () => {
  await browser?.close();
  await studio?.stop();
});
/** What is not accessible. Through the debugger: the page itself lets nothing run that is not its own. */
async function axe(one) {
  const found = await one.evaluate(
    `${AXE}; axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] })`,
  );
  return found.violations.map(
    (violation) =>
      `${violation.id}: ${violation.nodes
        .map((node) => node.target.join(" "))
        .slice(0, 3)
        .join(" | ")}`,
  );
}
/** Buttons and labels whose words do not fit. */
const cut = `[...document.querySelectorAll("button, a.btn, nav a, label, summary, h1, h2")]
  .filter((one) => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).textOverflow !== "ellipsis")
  .filter((one) => !one.querySelector(".truncate, .sr-only"))
  .map((one) => JSON.stringify(one.textContent.trim().slice(0, 60)))`;
/** What reaches beyond the page's edge without a way to scroll there. */
const outside = `(() => {
  const main = document.querySelector("main");
  const edge = main.getBoundingClientRect().right - Number.parseFloat(getComputedStyle(main).paddingRight);
  const held = (one) => {
    for (let up = one; up && up !== main; up = up.parentElement) {
      const { overflowX, position } = getComputedStyle(up);
      if (position === "fixed" || position === "sticky" || (up !== one && overflowX !== "visible")) return true;
    }
  };
  const found = [...main.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > edge + 1.5 && !held(one));
  return found.slice(0, 3).map((one) => one.tagName + " " + one.className + " " + Math.round(one.getBoundingClientRect().right - edge));
})()`;
const clean = (one = page) => assert.deepEqual(one.faults.splice(0), [], "nothing on the console");

test("a newcomer's first run ends with the example playing", async () => {
  await page.goto(studio.base);
  await page.getByRole("link", { name: "Welcome to your film studio" }).click();
  await page.getByText("GStreamer").first().waitFor();
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByText("The studio makes it.").waitFor();
  // Reloaded in mid-render it shows the same.
  const bar = page.getByRole("progressbar");
  await bar.waitFor();
  await page.reload();
  await bar.waitFor();
  film = (await studio.get("/api/episodes")).episodes[0].episode.id;
  await page.locator("video").waitFor({ timeout: PATIENCE });
  const seen = await page.locator("video").evaluate(async (video) => {
    video.muted = true;
    await video.play();
    await new Promise((done) => (video.ontimeupdate = () => video.currentTime > 0.2 && done()));
    return { duration: video.duration, width: video.videoWidth, tracks: video.textTracks.length };
  });
  assert.ok(seen.duration > 60 && seen.width === 192 && seen.tracks === 1, JSON.stringify(seen));
  clean();
});

test("a picture of somebody else is given to whom it shows", async () => {
  const waits = await studio.get("/api/takes?unjudged=true&subject=still&character=PIP&sort=oldest&limit=500");
  const alone = waits.takes[0];
  await page.goto(`${studio.base}/review`);
  await page.getByLabel("All kinds").selectOption("still");
  await page.getByLabel("Everybody").selectOption("PIP");
  await page.getByText(`${waits.left} left`).waitFor();
  await page.getByText(alone.plan.description).first().waitFor();
  await page.getByRole("button", { name: "It is somebody else" }).click();
  await page.getByRole("dialog").getByRole("button").filter({ hasText: "EDDA" }).click();
  const { characters } = await studio.get("/api/characters?q=edda");
  const sheet = async () => (await studio.get(`/api/characters/${characters[0].character.id}`)).sheet;
  await until("the reference", async () => (await sheet()).references.some((one) => one.hash === alone.file.hash));
  await page.getByRole("button", { name: "Undo" }).first().click();
  await until("no reference", async () => (await sheet()).references.length === 0);
  // The way back has two steps, and the film is made again after the second.
  const said = async () => (await studio.get("/api/takes?limit=200")).takes.some((view) => view.opinion);
  await until("nothing is said of it any more", async () => !(await said()));
  clean();
});

test("twenty takes are judged by keyboard and by thumb, and taken back", async () => {
  // What the test before took back is made again: only then nothing more comes.
  await studio.film(film);
  await page.goto(`${studio.base}/review`);
  const left = async () => (await studio.get("/api/takes?unjudged=true&limit=1")).left;
  const before = await left();
  const shown = () =>
    page
      .locator("p.eyebrow")
      .first()
      .textContent()
      .then((text) => Number.parseInt(text));
  await until("the counter", async () => (await shown()) === before);
  for (let n = 1; n <= 10; n++) {
    await page.keyboard.press("ArrowRight");
    await until(`take ${n} judged`, async () => (await shown()) === before - n);
  }
  await page.keyboard.press("ArrowLeft");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("6");
  await page.keyboard.press("Enter");
  await until("eleven said", async () => (await left()) === before - 11);
  const bad = (await studio.get("/api/takes?limit=200")).takes.find((view) => view.opinion?.good === false);
  assert.deepEqual(bad.opinion.issues, ["bad_anatomy"]);
  await page.keyboard.press("u");
  await until("one back", async () => (await left()) === before - 10);
  // What was made because of it is made back.
  await studio.film(film);
  clean();

  const phone = await open(browser, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await phone.goto(`${studio.base}/review`);
  for (let n = 1; n <= 10; n++) {
    const now = phone.locator("article img, article video").first();
    await now.waitFor();
    const src = await now.getAttribute("src");
    // A thumb from left to right.
    const box = await now.boundingBox();
    const touch = await phone.context().newCDPSession(phone);
    const at = (x) => ({ touchPoints: [{ x, y: box.y + box.height / 2 }] });
    await touch.send("Input.dispatchTouchEvent", { type: "touchStart", ...at(box.x + 60) });
    for (const x of [100, 150, 200, 260])
      await touch.send("Input.dispatchTouchEvent", { type: "touchMove", ...at(box.x + x) });
    await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await until(
      "the next one",
      async () =>
        (await phone
          .locator("article img, article video")
          .first()
          .getAttribute("src")
          .catch(() => "")) !== src,
    );
  }
  await until("twenty said", async () => (await left()) === before - 20);
  await studio.film(film);
  const good = (await studio.get("/api/takes?limit=200")).takes.filter((view) => view.opinion?.good).length;
  assert.equal(good, 20);
  clean(phone);
  await phone.context().close();
});

test("the wall takes many at once", async () => {
  await page.goto(`${studio.base}/review`);
  await page.getByRole("button", { name: "Grid" }).click();
  const tiles = page.locator("button[aria-pressed]").filter({ hasText: "." });
  await tiles.first().click();
  await tiles.nth(2).click({ modifiers: ["Shift"] });
  await page.getByText("3 selected").waitFor();
  const before = (await studio.get("/api/takes?unjudged=true&limit=1")).left;
  await page.getByRole("button", { name: "Approve" }).click();
  await until("three said", async () => (await studio.get("/api/takes?unjudged=true&limit=1")).left === before - 3);
  clean();
});

test("a screenplay is written, kept, changed shot by shot, ordered and published", async () => {
  await page.goto(`${studio.base}/write`);
  const editor = page.locator("[data-editor] .cm-content");
  // Emptied first: Chromium would carry the style of what is replaced over, which the page forbids.
  const write = async (text) => {
    await editor.press("ControlOrMeta+A");
    await editor.press("Delete");
    await editor.fill(text);
  };
  await write(STORY);
  await page.getByRole("button", { name: /2\. Garden/ }).waitFor();
  // A mistake is told where it stands, and goes when it is mended.
  await write(STORY.replace("[[shot: wide, 1.5s]]", "[[shot: wyde]]"));
  await page.getByText(/did you mean 'wide'/).waitFor();
  // What can be read, and perhaps otherwise than it is meant, is said as well and stops nobody.
  await write(STORY.replace(/^(INT\. KITCHEN - ).*$/m, "$1NIHGT"));
  await page.getByText("Read otherwise than you may have meant").waitFor();
  await page.getByText(/did you mean 'night'/).waitFor();
  assert.ok(await page.getByRole("button", { name: "Keep for later" }).isEnabled());
  await write(STORY);
  await page.getByRole("button", { name: "Keep for later" }).click();
  await page.waitForURL(/\/scenes\//);
  const id = page.url().split("/").at(-1);
  assert.equal((await studio.get(`/api/episodes/${id}`)).episode.state, "draft");

  // The shot editor writes into the screenplay.
  await page.getByRole("button", { name: /Shot 2\. ?1/ }).click();
  await page.getByLabel("Shot type").selectOption("establishing");
  await page.getByLabel("Motion").selectOption("pan-left");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Saved.").first().waitFor();
  const { text } = await studio.get(`/api/episodes/${id}/screenplay`);
  assert.match(text, /Rain falls on the grass\. \[\[shot: establishing, 1\.5s, motion: pan-left\]\]/);
  await page.keyboard.press("Escape");

  // A second device shows the same without being asked.
  const second = await open(browser);
  await second.goto(`${studio.base}/episodes/${id}`);
  await second.getByRole("button", { name: "Move scene 2 up" }).waitFor();
  await page.goto(`${studio.base}/episodes/${id}`);
  await page.getByRole("button", { name: "Move scene 2 up" }).click();
  await page.getByText("The order is kept.").first().waitFor();
  await second.getByText("1. Garden").first().waitFor();
  await second.context().close();

  await page.getByRole("button", { name: "Produce", exact: true }).click();
  const episode = await studio.film(id, ["published"]);
  assert.match(episode.published, /Doors \(\d{4}\)\/Season 01\//);
  await page.locator("video").waitFor();
  await page.getByText(episode.published).waitFor();
  const file = join(studio.folder, "library", episode.published);
  assert.ok(existsSync(file));
  const chapters = await page.getByRole("group", { name: "Chapters" }).getByRole("button").allTextContents();
  assert.deepEqual(
    chapters.map((one) => one.replace(/^[\d:]+/, "")),
    ["Garden", "Kitchen"],
  );

  // Out of Jellyfin and back, without making anything again.
  await page.getByRole("button", { name: "Take out of Jellyfin" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Take out of Jellyfin" }).click();
  await page.getByText("Not in the library").waitFor();
  assert.ok(!existsSync(file));
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await page.getByText(episode.published).waitFor();
  await studio.film(id, ["published"]);
  assert.ok(existsSync(file));
  clean();
});

test("an episode stops where a person wants to look, and goes on when they approve", async () => {
  const kept = await studio.post("/api/import?project=asked&hold=true", STORY);
  const { project_id } = (await studio.get(`/api/episodes/${kept.episode}`)).episode;
  await page.goto(`${studio.base}/projects/${project_id}`);
  await page.getByLabel("Ask me before going on").selectOption("pictures,clips");
  await until("the wish", async () => (await studio.get(`/api/projects/${project_id}`)).about.approve?.length === 2);
  await page.goto(`${studio.base}/episodes/${kept.episode}`);
  await page.getByRole("button", { name: "Produce", exact: true }).click();
  await page.getByRole("button", { name: "Approve the pictures" }).waitFor({ timeout: PATIENCE });
  const takes = async (subject) =>
    (await studio.get(`/api/takes?episode=${kept.episode}&subject=${subject}&limit=500`)).takes.length;
  assert.equal(await takes("clip"), 0, "nothing moves yet");
  await page.getByRole("button", { name: "Play the shots" }).click();
  await page.getByText(/^2 of 3: scene 2, shot 1/).waitFor();
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.screenshot({ path: join(shots, "approval-light.png"), fullPage: true });
  assert.deepEqual(await axe(page), []);
  await page.goto(studio.base);
  await page.getByRole("link", { name: "Doors: your approval" }).click();
  await page.getByRole("button", { name: "Approve the pictures" }).click();
  await page.getByRole("button", { name: "Approve the clips" }).waitFor({ timeout: PATIENCE });
  assert.ok((await takes("clip")) > 0);
  assert.equal((await studio.get(`/api/episodes/${kept.episode}`)).film, null, "and there is no film yet");
  await page.getByRole("button", { name: "Play the shots" }).click();
  await page.getByText(/^3 of 3: scene 2, shot 2/).waitFor();
  await page.screenshot({ path: join(shots, "approval-clips-light.png"), fullPage: true });
  // Its end is the beginning, and there it stops.
  await page.getByText(/^1 of 3: scene 1, shot 1/).waitFor();
  await page.getByRole("button", { name: "Play the shots" }).waitFor();
  await page.goto(`${studio.base}/scenes/${kept.episode}`);
  await page.getByRole("button", { name: "Approve the clips" }).click();
  await studio.film(kept.episode, ["published"]);
  await page.getByRole("button", { name: "Approve the clips" }).waitFor({ state: "detached" });
  clean();
});

test("a page that is open when the studio is killed goes on by itself, and nothing is lost", async () => {
  const began = await studio.post(
    "/api/import?project=again",
    readFileSync(join(import.meta.dirname, "../../../examples/the-last-light.fountain"), "utf8"),
  );
  await page.goto(`${studio.base}/episodes/${began.episode}`);
  await page.getByText("In the making").first().waitFor();
  await until("some of it", async () =>
    (await studio.get(`/api/episodes/${began.episode}`)).stages.some((stage) => stage.done > 3),
  );
  const address = studio.address;
  await studio.kill();
  await page.getByText("The studio does not answer.").waitFor();
  await studio.start(address);
  await page.getByText("The studio does not answer.").waitFor({ state: "detached" });
  await studio.film(began.episode);
  await page.locator("video").waitFor({ timeout: PATIENCE });
  page.faults.length = 0;
});

test("projects, characters and tokens are written on one page and true on the next", async () => {
  const { project_id } = (await studio.get(`/api/episodes/${film}`)).episode;
  await page.goto(`${studio.base}/projects/${project_id}`);
  await page.getByLabel("Storyline").fill("The light is saved by a child.");
  await page.getByRole("button", { name: "Add a style" }).click();
  await page.getByLabel("Words before every prompt").fill("oil painting");
  await page.getByLabel(/^Use this one/).check();
  await until("the project", async () => {
    const { about } = await studio.get(`/api/projects/${project_id}`);
    return (
      about.storyline.includes("child") &&
      about.styles[0]?.words === "oil painting" &&
      about.style === about.styles[0].name
    );
  });
  await page.goto(`${studio.base}/characters`);
  await page.getByRole("link", { name: /EDDA/ }).first().click();
  await page.getByLabel("Design prompt").fill("a keeper of seventy in an oilskin coat");
  const take = (await studio.get("/api/takes?subject=still&limit=1")).takes[0];
  const picture = Buffer.from(await (await fetch(`${studio.base}/api/assets/${take.file.hash}`)).arrayBuffer());
  await page
    .locator("input[type=file][accept='image/*'][multiple]")
    .setInputFiles({ name: "../../etc/edda.exe", mimeType: "image/png", buffer: picture });
  const id = page.url().split("/").at(-1);
  await until("the character", async () => {
    const { sheet } = await studio.get(`/api/characters/${id}`);
    return sheet.appearance?.design.includes("oilskin") && sheet.references.length === 1;
  });
  await page.getByRole("button", { name: "Speak" }).click();
  await page.locator("audio").last().waitFor();
  const spoken = await page
    .locator("audio")
    .last()
    .evaluate(
      (audio) =>
        new Promise((done) =>
          audio.readyState ? done(audio.duration) : (audio.onloadedmetadata = () => done(audio.duration)),
        ),
    );
  assert.ok(spoken > 0.5, `${spoken} s`);

  // A place, with one of the pictures that were made.
  await page.goto(`${studio.base}/characters`);
  const place = (await studio.get(`/api/locations?project=${project_id}`)).locations[0];
  await page.locator(`a[href='/places/${place.location.id}']`).click();
  await page.getByLabel("Design prompt").fill("a round room of brass and thick glass");
  await page.getByRole("button", { name: "Choose a picture" }).click();
  await page.getByRole("dialog").getByRole("listitem").first().getByRole("button").click();
  await until("the place", async () => {
    const { sheet } = await studio.get(`/api/locations/${place.location.id}`);
    return sheet.design.includes("brass") && sheet.references.length === 1;
  });

  await page.goto(`${studio.base}/settings`);
  await page.getByPlaceholder("Name").fill("phone");
  await page.getByRole("button", { name: "Give out a token" }).click();
  const token = await page.locator("code").textContent();
  const ask = () => fetch(`${studio.base}/api/projects`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await ask()).status, 200);
  await page.getByRole("button", { name: "Take back" }).first().click();
  await page.getByText("taken back").waitFor();
  assert.equal((await ask()).status, 401);
  clean();
});

test("everything can be reached by key", async () => {
  await page.goto(studio.base);
  await page.getByRole("heading", { name: "Now", level: 1 }).waitFor();
  for (const [key, name] of [
    ["r", "Review"],
    ["e", "Episodes"],
    ["p", "Projects"],
    ["c", "Characters and places"],
    ["t", "All trainings"],
    ["d", "Decisions"],
    ["a", "Analytics"],
    [",", "Settings and check"],
    ["n", "Now"],
  ]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.getByRole("heading", { name, level: 1 }).waitFor();
  }
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await page.keyboard.press("Escape");
  clean();
});

test("the page speaks the browser's language, or the one that was chosen, and remembers it", async () => {
  const one = await open(browser, { locale: "fr-FR" });
  const files = [];
  one.on("request", (request) => files.push(request.url()));
  await one.goto(studio.base);
  await one.getByRole("heading", { name: "Now", level: 1 }).waitFor();
  assert.ok(!files.some((file) => /\/assets\/de-/.test(file)), "nobody waits for texts of another language");
  await one.getByLabel("Language").selectOption("Deutsch");
  await one.getByRole("heading", { name: "Jetzt", level: 1 }).waitFor();
  assert.equal(await one.locator("html").getAttribute("lang"), "de");
  await one.goto(`${studio.base}/scenes/${film}`);
  await one.getByRole("button", { name: /^Einstellung 1\. ?1/ }).click();
  await one.getByRole("dialog", { name: "Szene 1, Einstellung 1" }).waitFor();
  await one.getByLabel("Einstellungsgröße").waitFor();
  await one.screenshot({ path: join(shots, "shot-german.png") });
  await one.keyboard.press("Escape");
  await one.goto(`${studio.base}/episodes/${film}`);
  // A length by the browser's own Intl.
  await one.getByText(/^\d+ (Min|Sek)\.(, \d+ Sek\.)? Arbeit/).waitFor();
  await one.getByLabel("Sprache").selectOption("English");
  await one.getByRole("link", { name: "Episodes" }).waitFor();
  assert.equal(await one.locator("html").getAttribute("lang"), "en");
  clean(one);
  await one.context().close();

  const german = await open(browser, { locale: "de-AT" });
  await german.goto(`${studio.base}/nothing`);
  await german.getByRole("heading", { name: "Hier ist nichts" }).first().waitFor();
  clean(german);
  await german.context().close();
});

test("every page is accessible in both themes, on a phone and in German, and is pictured", async () => {
  const { project_id } = (await studio.get(`/api/episodes/${film}`)).episode;
  const { characters, locations } = await studio.get(`/api/projects/${project_id}`);
  const pages = {
    now: "/",
    review: "/review",
    scenes: `/scenes/${film}`,
    episodes: "/episodes",
    episode: `/episodes/${film}`,
    write: `/episodes/${film}/write`,
    new: "/write",
    projects: "/projects",
    project: `/projects/${project_id}`,
    characters: "/characters",
    character: `/characters/${characters[0].character.id}`,
    dataset: `/characters/${characters[0].character.id}/dataset`,
    training: `/characters/${characters[0].character.id}/training`,
    place: `/places/${locations[0].location.id}`,
    decisions: "/decisions",
    trainings: "/training",
    analytics: "/analytics",
    settings: "/settings",
    welcome: "/welcome",
    lost: "/nothing",
  };
  const found = [];
  for (const [tag, options] of [
    ["dark", { colorScheme: "dark" }],
    ["light", { colorScheme: "light" }],
    ["phone", { colorScheme: "dark", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
    ["tv", { colorScheme: "dark", viewport: { width: 1920, height: 1080 } }],
    ["german", { colorScheme: "dark", locale: "de-DE" }],
    [
      "german-phone",
      { colorScheme: "light", locale: "de-DE", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
    ],
  ]) {
    const one = await open(browser, { ...options, reducedMotion: "reduce" });
    for (const [name, path] of Object.entries(pages)) {
      await one.goto(studio.base + path);
      await one.getByRole("heading", { level: 1 }).waitFor();
      await one.waitForLoadState("networkidle");
      await one.screenshot({ path: join(shots, `${name}-${tag}.png`) });
      for (const violation of await axe(one)) found.push(`${name} ${tag}: ${violation}`);
      const wide = await one.evaluate("document.documentElement.scrollWidth - innerWidth");
      if (wide > 0) found.push(`${name} ${tag}: ${wide} pixels too wide`);
      for (const beyond of await one.evaluate(outside)) found.push(`${name} ${tag}: outside: ${beyond}`);
      for (const text of await one.evaluate(cut)) found.push(`${name} ${tag}: no room for ${text}`);
    }
    clean(one);
    await one.context().close();
  }
  writeFileSync(join(shots, "axe.json"), JSON.stringify(found, null, 1));
  assert.deepEqual(found, []);
});

test("who is not of the house logs in", async () => {
  const closed = await new Studio("[web]\nopen_house = false\n").start();
  const set = await open(browser);
  try {
    await set.goto(closed.base);
    await set.waitForURL(/\/login$/);
    await set.getByText("No password is set yet.").waitFor();
    assert.equal((await fetch(`${closed.base}/api/projects`)).status, 401);
    clean(set);
  } finally {
    await set.context().close();
    await closed.stop();
  }
});
