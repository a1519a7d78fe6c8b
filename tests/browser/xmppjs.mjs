// A client with xmpp.js: orders come in and events go out as lines of JSON.
import { client, xml } from "@xmpp/client";
import readline from "node:readline";
import WebSocket from "ws";

globalThis.WebSocket ??= WebSocket; // node has one of its own from 22 on

const [service, domain, username, password] = process.argv.slice(2);
const say = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));
const xmpp = client({ service, domain, resource: "node", username, password });

xmpp.on("error", (e) => say("error", { text: String(e) }));
xmpp.on("online", (jid) => {
  say("online", { jid: jid.toString() });
  xmpp.send(xml("presence"));
});
xmpp.on("offline", () => say("offline"));
xmpp.on("disconnect", () => say("disconnect"));
xmpp.streamManagement?.on("resumed", () => say("resumed"));
xmpp.on("stanza", (s) => {
  if (s.is("message") && s.getChildText("body")) {
    say("message", { from: s.attrs.from, type: s.attrs.type, body: s.getChildText("body") });
  } else if (s.is("presence")) {
    say("presence", { from: s.attrs.from, type: s.attrs.type ?? "" });
    if (s.attrs.type === "subscribe") xmpp.send(xml("presence", { to: s.attrs.from, type: "subscribed" }));
  }
});

const orders = {
  add: ({ to }) => xmpp.send(xml("presence", { to, type: "subscribe" })),
  message: ({ to, type = "chat", body }) => xmpp.send(xml("message", { to, type }, xml("body", {}, body))),
  join: ({ to }) => xmpp.send(xml("presence", { to }, xml("x", { xmlns: "http://jabber.org/protocol/muc" }))),
  roster: async () => {
    const q = await xmpp.iqCaller.get(xml("query", { xmlns: "jabber:iq:roster" }));
    say("roster", { items: q.getChildren("item").map((i) => [i.attrs.jid, i.attrs.subscription]) });
  },
  stop: () => xmpp.stop().then(() => process.exit(0)),
};
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const order = JSON.parse(line);
  Promise.resolve(orders[order.do](order)).catch((e) => say("error", { text: String(e) }));
});
xmpp.start().catch((e) => say("error", { text: String(e) }));
