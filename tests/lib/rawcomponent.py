"""A raw component (XEP-0114): like rawxmpp.Client, it says exactly what it is told.

What arrives is shown in the namespace jabber:client, so that the same helpers read it.
"""
import hashlib
from xml.sax.saxutils import quoteattr

from rawxmpp import CLIENT, PATIENCE, STREAM, Client, check, q
from wardroom_test import SLOW

COMPONENT = "jabber:component:accept"
SECRET = "a secret of the gateway"


class Component(Client):
    def __init__(self, server, domain, secret=SECRET):
        super().__init__(server, domain)
        self.domain, self.secret, self.jid = domain, secret, domain

    def header_text(self, to=None, **attrs):
        a = {"to": to or self.domain, "xmlns": COMPONENT, "xmlns:stream": STREAM}
        a.update(attrs)
        return "<?xml version='1.0'?><stream:stream " + " ".join(f"{k}={quoteattr(v)}" for k, v in a.items() if v is not None) + ">"

    def _got(self, data):
        super()._got(data)
        for el in self.inbox:
            for n in el.iter():
                if n.tag.startswith("{%s}" % COMPONENT):
                    n.tag = q(CLIENT, n.tag.split("}")[1])

    def open(self):
        """Connected, header read."""
        self.connect(port=self.server.component_port)
        self.send(self.header_text())
        header = self.wait_header()
        check(header is not None, "no stream header")
        return header

    def handshake_text(self, stream_id, secret=None):
        return hashlib.sha1((stream_id + (secret or self.secret)).encode()).hexdigest()

    def login(self, secret=None):
        header = self.open()
        self.send(f"<handshake>{self.handshake_text(header.get('id'), secret)}</handshake>")
        self.expect(name="handshake", what="<handshake/>")
        return self

    def settle(self):
        i = self.next_id("settle")
        self.send(f"<iq type='get' id='{i}' from='{self.domain}' to='{self.server.domain}'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.expect(name="iq", id=i, what="answer to a ping")
        return self

    def iq(self, type, inner, to=None, timeout=PATIENCE, id=None, frm=None):
        i = id or self.next_id("q")
        self.send(f"<iq type='{type}' id='{i}' from={quoteattr(frm or self.domain)} to={quoteattr(to or self.server.domain)}>{inner}</iq>")
        return self.expect(lambda e: e.get("type") in ("result", "error"), name="iq", id=i, what=f"answer to iq {i}", timeout=timeout)

    def answer(self, request, inner="", type="result"):
        self.send(f"<iq type='{type}' id={quoteattr(request.get('id'))} from={quoteattr(request.get('to'))} "
                  f"to={quoteattr(request.get('from'))}>{inner}</iq>")


def components_text(*groups):
    """The section of wardroom.yaml: dicts, each with domain; the secret unless it says otherwise."""
    text = "components:\n"
    for g in groups:
        g = dict(g)
        if "secret_file" not in g:
            g.setdefault("secret", SECRET)
        text += "  - { " + ", ".join(f"{k}: {v}" for k, v in g.items()) + " }\n"
    return text


__all__ = ["COMPONENT", "SECRET", "SLOW", "Component", "components_text"]
