// Converse.js in headless Chromium: serves the page, starts the browser; orders come in and events go out as JSON lines.
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import readline from "node:readline";
import { chromium } from "playwright-core";

const [port, rules, jid, password] = process.argv.slice(2);
const dist = path.join(process.cwd(), "node_modules/converse.js/dist");
const types = { ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml", ".wasm": "application/wasm" };
const say = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));
const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>chat</title>
<link rel="stylesheet" href="/dist/converse.min.css"><script type="module" src="/dist/converse.min.js"></script><body class="converse-fullscreen"></body></html>`;

http.createServer((req, res) => {
  const name = path.normalize(new URL(req.url, "http://x").pathname);
  const file = name.startsWith("/dist/") ? path.join(dist, name.slice(6)) : "";
  if (name === "/") res.setHeader("Content-Type", "text/html").end(html);
  else if (file.startsWith(dist) && fs.existsSync(file)) res.setHeader("Content-Type", types[path.extname(file)] ?? "application/octet-stream").end(fs.readFileSync(file));
  else res.writeHead(404).end();
}).listen(Number(port), "127.0.0.1");

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--ignore-certificate-errors", `--host-resolver-rules=${rules}`],
});
const page = await browser.newPage({ ignoreHTTPSErrors: true });
page.on("pageerror", (e) => say("pageerror", { text: String(e).slice(0, 300) }));
page.on("dialog", (d) => say("dialog", { text: d.message() }));
if (process.env.WARDROOM_NODE_LOG) page.on("console", (m) => console.error(m.text().slice(0, 3000)));
await page.exposeFunction("say", say);
await page.goto(`http://localhost:${port}/`);
await page.waitForFunction(() => window.converse, null, { timeout: 60000 });
await page.evaluate(async ({ jid, password, loglevel }) => {
  converse.plugins.add("wardroom-test", {
    initialize() {
      const { _converse } = this, { api } = _converse;
      window.api = api;
      api.listen.on("connected", () => say("connected", { jid: api.connection.get().jid, url: api.connection.get().service }));
      api.listen.on("rosterInitialized", () => say("roster"));
      api.listen.on("reconnected", () => say("reconnected"));
      api.listen.on("will-reconnect", () => say("will-reconnect"));
      api.listen.on("disconnected", () => say("disconnected"));
      api.listen.on("message", ({ attrs, stanza }) => attrs?.body && say("message", { body: attrs.body, type: attrs.type, from: attrs.from, carbon: !!attrs.is_carbon,
        encrypted: !!attrs.is_encrypted, text: attrs.plaintext ?? attrs.body }));
      api.listen.on("OMEMOInitialized", () => say("omemo"));
      api.listen.on("contactRequest", (c) => { say("request", { jid: c.get("jid") }); c.authorize(); });
      api.listen.on("contactPresenceChanged", (c) => say("presence", { jid: c.get("jid") }));
    },
  });
  converse.initialize({
    authentication: "login", auto_login: true, jid, password, discover_connection_methods: true, enable_smacks: true, auto_reconnect: true,
    view_mode: "fullscreen", whitelisted_plugins: ["wardroom-test"], loglevel, i18n: "en", persistent_store: "localStorage",
    show_background: false, play_sounds: false, assets_path: "/dist/", auto_subscribe: true, allow_url_history_change: false,
    clear_cache_on_logout: false,
  }).catch((e) => say("error", { text: String(e) }));
}, { jid, password, loglevel: process.env.WARDROOM_NODE_LOG ? "debug" : "warn" });
say("loaded");

const orders = {
  add: ({ to }) => page.evaluate((to) => api.contacts.add({ jid: to, name: "" }), to).then(() => undefined),
  message: ({ to, body }) => page.evaluate(async ({ to, body }) => { await (await api.chats.open(to)).sendMessage({ body }); }, { to, body }),
  // As a person does it: into the box of the open chat.
  type: async ({ body }) => {
    const box = page.locator("textarea.chat-textarea:visible").last();
    await box.fill(body);
    await box.press("Enter");
  },
  join: ({ to, nick }) => page.evaluate(async ({ to, nick }) => {
    const room = await api.rooms.open(to, { nick }, true);
    while (room.session.get("connection_status") !== converse.ROOMSTATUS.ENTERED) await new Promise((r) => setTimeout(r, 100));
  }, { to, nick }).then(() => say("joined")),
  room: ({ to, body }) => page.evaluate(async ({ to, body }) => { await (await api.rooms.get(to)).sendMessage({ body }); }, { to, body }),
  avatar: ({ of, image }) => page.evaluate(async ({ of, image }) => { await api.vcard.set(of, { image, image_type: "image/png" }); }, { of, image }).then(() => say("published")),
  avatarOf: ({ of }) => page.evaluate(async (of) => (await api.vcard.get(of))?.image_hash ?? "none", of).then((hash) => say("avatar", { hash })),
  bookmark: ({ to, name, nick }) => page.evaluate(async ({ to, name, nick }) => { await api.bookmarks.set({ jid: to, name, nick, autojoin: true }); }, { to, name, nick }).then(() => say("bookmarked")),
  bookmarkOf: ({ of }) => page.evaluate(async (of) => { const b = await api.bookmarks.get(of); return b && { name: b.get("name"), autojoin: b.get("autojoin") }; }, of).then((mark) => say("bookmark", { mark })),
  // As the lock in the chat's toolbar does it.
  encrypt: ({ to }) => page.evaluate(async (to) => {
    await api.waitUntil("OMEMOInitialized");
    const chat = await api.chats.open(to);
    while (!chat.get("omemo_supported")) await new Promise((r) => setTimeout(r, 100));
    chat.save({ omemo_active: true });
  }, to).then(() => say("encrypting")),
  plain: ({ to }) => page.evaluate(async (to) => { (await api.chats.get(to)).save({ omemo_active: false }); }, to).then(() => say("plain")),
  // As a person picks a file with the button of the open chat.
  file: ({ name, type, data }) => page.locator("input.fileupload").last().setInputFiles({ name, mimeType: type, buffer: Buffer.from(data, "base64") }),
  fate: ({ to }) => page.evaluate(async (to) => (await api.chats.get(to)).messages.map((m) => `${m.get("type")} ${m.get("upload")} ${m.get("message")}`), to)
    .then((all) => say("fate", { text: all.slice(-4).join("\n") })),
  load: ({ url }) => page.evaluate(async (url) => { const r = await fetch(url); return { status: r.status, text: await r.text() }; }, url).then((got) => say("loaded file", got)),
  shown: async () => say("shown", { text: (await page.locator("body").innerText()).slice(-2000) }),
  logout: () => page.evaluate(() => { api.user.logout(); }),
};
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const order = JSON.parse(line);
  Promise.resolve(orders[order.do](order)).catch((e) => say("error", { text: String(e).slice(0, 500) }));
}).on("close", () => browser.close().then(() => process.exit(0)));
