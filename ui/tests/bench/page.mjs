/** The page's goals in a real browser before the real program, which must be built: prints rows, stores nothing. */

import { browse, open, STORY, Studio } from "../e2e/studio.mjs";

const LOADS = 7;
const TAKES = 10_000;
const IDLE_S = 20;
const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);
const sorted = (all) => [...all].sort((a, b) => a - b);
const at = (all, share) => sorted(all)[Math.min(all.length - 1, Math.floor(all.length * share))];

/** What a visitor with nothing kept waits for, over a line of 20 Mbit/s: from the address to a page that answers. */
async function load(browser, base) {
  const times = [];
  let bytes = 0;
  for (let n = 0; n < LOADS; n++) {
    const page = await open(browser);
    const wire = await page.context().newCDPSession(page);
    await wire.send("Network.enable");
    await wire.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 5,
      downloadThroughput: 20e6 / 8,
      uploadThroughput: 20e6 / 8,
    });
    await page.goto(base);
    await page.getByRole("heading", { name: "Now", level: 1 }).waitFor();
    // Interactive: what is drawn has its handlers, and the thread is free.
    times.push(await page.evaluate(() => new Promise((done) => requestIdleCallback(() => done(performance.now())))));
    bytes = await page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter((one) => /\.(js|css)$/.test(one.name))
        .reduce((sum, one) => sum + one.encodedBodySize, 0),
    );
    await page.context().close();
  }
  row("first load, script and style", `${Math.round(bytes / 1000)} KB compressed`, "<= 200 KB");
  row(
    "interactive, 20 Mbit/s, nothing kept",
    `p50 ${Math.round(at(times, 0.5))} ms, worst ${Math.round(Math.max(...times))} ms`,
    "< 1000 ms",
  );
}

/** What a page does that nobody touches while nothing happens. */
async function idle(browser, base) {
  const page = await open(browser);
  let [requests, frames] = [0, 0];
  page.on("request", () => requests++);
  page.on("websocket", (socket) => socket.on("framereceived", () => frames++).on("framesent", () => frames++));
  await page.goto(base);
  await page.getByRole("heading", { name: "Now", level: 1 }).waitFor();
  await page.waitForTimeout(5_000);
  [requests, frames] = [0, 0];
  const wire = await page.context().newCDPSession(page);
  await wire.send("Performance.enable");
  const busy = async () =>
    Object.fromEntries((await wire.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
  await browser.startTracing(page, { categories: ["devtools.timeline"] });
  const before = await busy();
  await page.waitForTimeout(IDLE_S * 1000);
  const after = await busy();
  const trace = JSON.parse((await browser.stopTracing()).toString());
  const paints = trace.traceEvents.filter((one) => one.name === "Paint").length;
  const share = ((after.TaskDuration - before.TaskDuration) / IDLE_S) * 100;
  row(
    `idle page, ${IDLE_S} s`,
    `${requests} requests, ${frames} live messages, ${paints} paints, ${share.toFixed(2)} % of a core`,
    "no repaint, only the heartbeat",
  );
  await page.context().close();
}

/** Throws what is shown for six seconds: how high it is, then pictures a second, work of each, and how many tiles exist at most. */
async function thrown(page, tiles) {
  const wire = await page.context().newCDPSession(page);
  await wire.send("Performance.enable");
  const busy = async () =>
    (await wire.send("Performance.getMetrics")).metrics.find((one) => one.name === "TaskDuration").value;
  const before = await busy();
  const { steps, nodes, height } = await page.evaluate(
    (tiles) =>
      new Promise((done) => {
        const [steps, from] = [[], performance.now()];
        let [last, nodes] = [from, 0];
        const step = (now) => {
          steps.push(now - last);
          last = now;
          nodes = Math.max(nodes, document.querySelectorAll(tiles).length);
          // As fast as a hand throws it: three walls of the screen a second.
          scrollTo(0, ((now - from) / 1000) * innerHeight * 3);
          if (now - from < 6_000) requestAnimationFrame(step);
          else done({ steps: steps.slice(5), nodes, height: document.documentElement.scrollHeight });
        };
        requestAnimationFrame(step);
      }),
    tiles,
  );
  const work = ((await busy()) - before) / steps.length;
  const fps = 1000 / (steps.reduce((sum, one) => sum + one, 0) / steps.length);
  return `, ${Math.round(height / 900)} screens high, thrown | ${fps.toFixed(0)} fps, p95 ${at(steps, 0.95).toFixed(1)} ms a picture, ${(work * 1000).toFixed(1)} ms of script and layout each, at most ${nodes} tiles exist`;
}

/** Ten thousand pictures of a dataset, read in pages as the wall asks for them, and scrolled from end to end by hand. */
async function dataset(browser, studio) {
  const { characters } = await studio.get("/api/characters");
  const { takes } = await studio.get("/api/takes?subject=still&limit=500");
  const files = takes.map(({ take }) => take.file).filter(Boolean);
  const many = Array.from({ length: TAKES }, (_, n) => ({
    id: `00000000-0000-7000-8000-${String(TAKES - n).padStart(12, "0")}`,
    character_id: characters[0].character.id,
    file: files[n % files.length],
    size: { width: 832, height: 1216 },
    state: ["approved", "pending", "rejected"][n % 3],
    source: { from: "upload", name: `${n}.png` },
    lineage: 0,
    cell: { framing: "face", angle: "front" },
    created: 1_790_000_000_000 + TAKES - n,
  }));
  const page = await open(browser);
  let known = 0;
  await page.route(/\/api\/pictures\?/, (route) => {
    const query = new URL(route.request().url()).searchParams;
    const meant = many.filter(({ state }) => !query.get("state") || state === query.get("state"));
    const from = query.get("after") ? meant.findIndex(({ id }) => id === query.get("after")) + 1 : 0;
    const pictures = meant.slice(from, from + Number(query.get("limit")));
    const reached = from + pictures.length;
    if (!query.get("state")) known = Math.max(known, reached);
    const next = reached < meant.length ? pictures.at(-1).id : null;
    return route.fulfill({ json: { pictures, left: meant.length - from, next } });
  });
  await page.goto(`${studio.base}/characters/${characters[0].character.id}/dataset`);
  await page.locator("[data-picture] img").first().waitFor();
  // All of it has to be there before it can be thrown from end to end.
  while (known < TAKES) {
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    await page.waitForTimeout(100);
  }
  await page.evaluate(() => scrollTo(0, 0));
  row(`wall of ${TAKES} pictures of a dataset${await thrown(page, "[data-picture]")}`, "60 fps");
  await page.context().close();
}

/** Ten thousand takes as a wall, scrolled from end to end by hand. */
async function wall(browser, studio) {
  const { takes } = await studio.get("/api/takes?subject=still&limit=500");
  const many = Array.from({ length: TAKES }, (_, n) => {
    const view = takes[n % takes.length];
    return { ...view, take: { ...view.take, id: `00000000-0000-7000-8000-${String(n).padStart(12, "0")}` } };
  });
  const page = await open(browser);
  await page.route(/\/api\/takes\?/, (route) => route.fulfill({ json: { takes: many, left: TAKES, next: null } }));
  await page.goto(`${studio.base}/review`);
  await page.getByRole("button", { name: "Grid" }).click();
  await page.locator("button[aria-pressed] img").first().waitFor();
  row(`wall of ${TAKES} takes${await thrown(page, "button[aria-pressed]")}`, "60 fps");
  await page.context().close();
}

const studio = await new Studio().start();
const browser = await browse();
try {
  row("what", "measured", "goal");
  row("---", "---", "---");
  const { episode } = await studio.post("/api/import", STORY);
  await studio.film(episode);
  await load(browser, studio.base);
  await idle(browser, studio.base);
  await wall(browser, studio);
  await dataset(browser, studio);
} finally {
  await browser.close();
  await studio.stop();
}
