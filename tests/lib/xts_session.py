"""Sessions of protocol scripts: people, components, other servers; against the real server. xts_sim.py has those of the simulation.

All show what arrives in the namespace of clients, so that one pattern fits whatever carried it.
"""
import base64
import hashlib
import hmac
import os
import shutil

from rawcomponent import Component
from rawsasl2 import CB, SASL2, Two
from rawserver import SERVER, Authority, Peer, PeerListener, Target, Zone
from rawws import WsClient
from rawxmpp import CLIENT, SASL, SM, STREAM, Client, SaslFailure, b64, q, scram_keys
from wardroom_test import Failed, Instance, check, free_ports
from xts_match import XTS, ET, parse, wire

SCRAM_UPGRADE = "urn:xmpp:scram-upgrade:0"


class Person(Two):
    """A client of the server."""

    def begin_signing_in(self):
        """The hash that XEP-0474 wants to see, of what is offered now."""
        if self.features is None or self.auth_feature() is None:
            return
        kinds = sorted(k.get("type") for k in self.features.iter(q(CB, "channel-binding")))
        self.offered_first = "\x1e".join(sorted(self.offered())) + ("\x1f" + "\x1e".join(kinds) if kinds else "")

    def offered_hash(self, mechanism):
        algo = "sha" + mechanism.replace("-PLUS", "").rsplit("-", 1)[1]
        return b64(hashlib.new(algo, self.offered_first.encode()).digest())

    def scram_said(self):
        """What the server said in the exchange, as an element to match."""
        return ET.Element(q(XTS, "scram"), {"iterations" if k == "i" else k: v for k, v in self.server_first.items() if k in "iht"})

    def perform(self, task):
        """One task of XEP-0480, up to the server's next word."""
        self.send(f"<next xmlns='{SASL2}' task='{task}'/>")
        salt = self.answer("task-data").find(q(SCRAM_UPGRADE, "salt"))
        salted = hashlib.pbkdf2_hmac("sha" + task.rsplit("-", 1)[1], self.password.encode(), base64.b64decode(salt.text), int(salt.get("iterations")))
        self.send(f"<task-data xmlns='{SASL2}'><hash xmlns='{SCRAM_UPGRADE}'>{b64(salted)}</hash></task-data>")


class WebPerson(WsClient, Person):
    """The same over WebSocket."""

    def say_all(self, text):
        """Each stanza is a message of its own."""
        for el in parse(text):
            self.send(wire(el))


class Gate(Component):
    """A component."""

    def handshake(self):
        return self.handshake_text(self.splitter.header.get("id"))


class Elsewhere(Peer):
    """A connection of another server."""
    door = None			# through which the server came to us

    def _got(self, data):
        super()._got(data)
        for el in self.inbox:
            for n in el.iter():
                if n.tag.startswith("{%s}" % SERVER):
                    n.tag = q(CLIENT, n.tag.split("}")[1])

    def secured(self, features):
        self.door.known = self
        return self.door.secured(features=features)

    def trusts(self, bidi):
        self.door.known = self
        return self.door.opened(bidi=bidi)


class Door(PeerListener):
    known = None		# accepted already

    def accept(self, timeout=10):
        if self.known:
            p, self.known = self.known, None
            return p
        p = super().accept(timeout)
        p.__class__, p.door = Elsewhere, self
        return p


class Neighbours:
    """The other servers that scripts name: an authority, a DNS, and for each domain a place where it is found."""

    def __init__(self, top, ours, names):
        self.ca, self.zone, self.ours = Authority(os.path.join(top, "authority")), Zone(), ours
        self.certs, self.doors = {}, {}
        for n in names:
            domain = f"{n}.test"
            self.certs[n] = self.ca.issue(domain)
            self.doors[n] = Door(domain, ours, self.certs[n])
            self.zone.host(domain, self.doors[n].port)

    def unknown_cert(self, name):
        """One that nobody vouches for."""
        return self.ca.issue(f"{name}.test", self_signed=True)

    def close(self):
        for d in self.doors.values():
            d.close()
        self.zone.close()


class Stage(Instance):
    """The server for scripts: as much of it switched on as they ask for."""

    def __init__(self, users, roles, components="", servers=(), https=False, config="", top=None):
        self.servers, self.components, self.s2s_port, self.near = servers, components, 0, None
        # Scripts are about what stanzas look like; whom the gate stops is tests/proto/gate.py's.
        super().__init__(start=False, extra=config, component=bool(components), https=https, prefix="xts-", strangers="allow")
        if servers:
            self.s2s_port = free_ports(1)[0]
            self.near = Neighbours(self.top, self.domain, servers)
            for file, to in zip(self.near.ca.issue(self.domain, f"DNS:{self.domain},DNS:rooms.{self.domain}"), ("cert.pem", "key.pem")):
                shutil.copy(file, os.path.join(self.dir, "tls", to))
            self.write_config()
        self.add_users([u for u in users if roles.get(u, "staff") == "staff"])
        for u in users:
            if roles.get(u, "staff") not in ("staff", "new"):
                self.add_with_role(u, roles[u])
        self.start()

    def add_with_role(self, user, role):
        from wardroom_test import PASSWORD
        path = os.path.join(self.top, "password")
        with open(path, "w") as f:
            os.chmod(path, 0o600)
            f.write(PASSWORD)
        self.cli("user", "add", self.jid(user), "--role", role, "--password-file", path)

    def config_text(self):
        text = super().config_text().replace("s2s: 0", f"s2s: {self.s2s_port}") + self.components
        if not self.near or not self.near.ca:
            return text
        mine = f"ca: {self.near.ca.cert}, resolver: {self.near.zone.address}@{self.near.zone.port}, private_addresses: on"
        if "s2s: { " in self.extra:
            return text.replace("s2s: { ", f"s2s: {{ {mine}, ")
        return text + f"s2s: {{ {mine} }}\n"

    def elsewhere(self, name, cert=True):
        p = Elsewhere(f"{name}.test", Target(self.domain, self.s2s_port), self.near.certs[name] if cert else self.near.unknown_cert(name))
        return p

    def close(self):
        super().close()
        if self.near:
            self.near.close()


def by_old_profile(c, mechanism, binding):
    """SASL of RFC 6120: success is a new stream, failure an element in the inbox."""
    try:
        c.scram(mechanism, binding)
    except SaslFailure as e:
        failure = ET.Element(q(SASL, "failure"))
        ET.SubElement(failure, q(SASL, e.condition))
        c.inbox.append(failure)
        return
    c.restart()
    c.inbox.append(c.features)


def by_sasl2(c, mechanism, binding, inner, **kw):
    """XEP-0388 up to <success/> or <continue/>, which then wait in the inbox."""
    def answer(*wants):
        el = c.expect(lambda e: e.tag.startswith("{%s}" % SASL2) or e.tag == q(STREAM, "error"), what=f"SASL2 {wants[0]}", timeout=10)
        if el.tag.split("}")[1] not in wants:
            c.inbox.append(el)
            raise SaslFailure("another answer")
        return el
    algo = "sha" + mechanism.replace("-PLUS", "").rsplit("-", 1)[1]
    if mechanism.endswith("-PLUS") and not binding:
        binding = "tls-exporter"
    gs2, data = c.binding(binding)
    bare = f"n={c.user},r={kw.get('nonce') or base64.b64encode(os.urandom(18)).decode()}"
    try:
        c.authenticate(mechanism, gs2.decode() + bare, inner)
        first = base64.b64decode(answer("challenge").text).decode()
        f = c.server_first = dict(p.split("=", 1) for p in first.split(","))
        salted = scram_keys(algo, c.password, base64.b64decode(f["s"]), int(f["i"]))
        final = f"c={b64(gs2 + data)},r={f['r']}"
        message = f"{bare},{first},{final}".encode()
        ck = hmac.new(salted, b"Client Key", algo).digest()
        proof = bytes(a ^ b for a, b in zip(ck, hmac.new(hashlib.new(algo, ck).digest(), message, algo).digest()))
        c.send(f"<response xmlns='{SASL2}'>{b64(final + ',p=' + b64(proof))}</response>")
        end = answer("success", "continue")
    except SaslFailure:
        return			# it lies in the inbox
    v = hmac.new(hmac.new(salted, b"Server Key", algo).digest(), message, algo).digest()
    check(end.findtext(q(SASL2, "additional-data")) == b64("v=" + b64(v)), "the server's signature is wrong or missing")
    if end.tag == q(SASL2, "success"):
        after_success(c, end)
    c.inbox.insert(0, c.scram_said())
    c.inbox.insert(0, end)


def after_success(c, success):
    """The session that <success/> made: who it is, what it may count."""
    c.jid = success.findtext(q(SASL2, "authorization-identifier"))
    c.bare = c.jid.split("/")[0]
    enabled = next(success.iter(q(SM, "enabled")), None)
    if enabled is not None:
        c.sm_on = c.sm_sending = True
        c.sm_in = c.sm_sent = c.sm_acked = 0
        c.sm_id = enabled.get("id")


__all__ = ["Client", "Failed", "Gate", "Person", "Stage", "WebPerson", "after_success", "by_old_profile", "by_sasl2"]
