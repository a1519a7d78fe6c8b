// xmppjs.mjs - xmpp.js, of the browser clients: signs in, loses its connection, comes back, says what it saw.
import { client, xml } from "@xmpp/client";

const [service, domain, username, password] = process.argv.slice(2);
const c = client({ service, domain, username, password, resource: "xjs" });
const mechanisms = [], bodies = [];
const once = (emitter, name) => new Promise((done) => emitter.once(name, done));
const patience = (p) => Promise.race([p, new Promise((_, no) => setTimeout(() => no(new Error("nothing within 8 s")), 8000))]);

c.on("send", (e) => e.is("authenticate") && mechanisms.push(e.attrs.mechanism));
c.on("stanza", (e) => e.is("message") && bodies.push(e.getChildText("body")));
c.on("error", () => {});

async function start() {
  const online = once(c, "online");
  await c.start();
  return String(await patience(online));
}

const saw = { first: await start() };
await c.send(xml("presence"));
await c.send(xml("message", { to: `${username}@${domain}`, type: "chat" }, xml("body", {}, "to myself")));
for (let i = 0; i < 80 && !bodies.length; i++) await new Promise((r) => setTimeout(r, 100));
saw.bodies = bodies;
saw.token = Boolean(await c.fast.fetch());
const resumed = once(c.streamManagement, "resumed");
c.socket.socket?.destroy?.() ?? c.socket.destroy();
await patience(resumed);
saw.resumed = String(c.jid);
await c.stop();
saw.second = await start();
saw.mechanisms = mechanisms;
await c.stop();
console.log(JSON.stringify(saw));
process.exit(0);
