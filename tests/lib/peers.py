"""Real other servers on loopback, for federation: Prosody and ejabberd as Debian has them, with a test authority and a
test DNS. None is installed here: `missing()` says what lacks."""
import glob
import os
import shutil
import socket
import subprocess
import tempfile

from rawserver import Zone  # noqa: F401
from rawxmpp import Client, check
from wardroom_test import PASSWORD, Failed, Server, die_with_parent, free_ports, is_running, kill, descendants, until


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class PeerServer(Server):
    """domain, port, tls_port (clients), s2s_port, s2s_tls_port; start, stop, kill9."""
    direct = 0

    def __init__(self, domain, ca, zone, users=("zoe", "yan"), cert=None, **how):
        self.domain, self.ca, self.zone, self.users, self.how = domain, ca, zone, users, how
        self.top = tempfile.mkdtemp(prefix=f"{self.peer}-")
        os.chmod(self.top, 0o755)
        self.port, self.tls_port, self.s2s_port, self.s2s_tls_port = free_ports(4)
        self.proc = None
        self.set_cert(cert or ca.issue(domain, f"DNS:{domain},DNS:rooms.{domain}"))
        for d in (domain, f"rooms.{domain}"):
            zone.host(d, self.s2s_port, tls_port=self.s2s_tls_port if how.get("direct") else None)
        self.configure()
        self.start()

    def set_cert(self, cert):
        self.cert = cert
        shutil.copy(cert[0], f"{self.top}/cert.pem")
        shutil.copy(cert[1], f"{self.top}/key.pem")
        with open(f"{self.top}/both.pem", "w") as f:
            for p in (cert[1], cert[0]):
                f.write(open(p).read())

    def run(self, cmd, cwd=None, env=None):
        with open(f"{self.top}/out.log", "ab") as out:
            self.proc = subprocess.Popen(cmd, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=cwd, env=env, preexec_fn=die_with_parent)

    def stop(self, how=None):
        if not self.proc:
            return
        family = descendants(self.proc.pid)
        if how != "kill":
            self.proc.terminate()
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                pass
        for pid in family:
            if is_running(pid):
                kill(pid)
        self.proc.wait()
        self.proc = None
        for pid in family:
            until(lambda: not is_running(pid), 5, "a process of the peer is gone")

    def kill9(self):
        self.stop("kill")

    def close(self):
        self.stop()
        if os.environ.get("WARDROOM_KEEP"):
            print(f"# kept: {self.top}")
        else:
            shutil.rmtree(self.top, ignore_errors=True)

    def log(self):
        text = ""
        for f in glob.glob(f"{self.top}/*.log") + glob.glob(f"{self.top}/log/*.log"):
            with open(f, errors="replace") as fh:
                text += f"--- {f}\n" + fh.read()[-int(os.environ.get("WARDROOM_LOG_BYTES", "3000")):]
        return text


class ProsodyPeer(PeerServer):
    peer = "prosody"

    @staticmethod
    def missing():
        if not shutil.which("prosody"):
            return "prosody is not installed"
        if not glob.glob("/usr/lib/*/lua/5.4/lunbound.so"):
            return "lua-unbound is not installed"
        return None

    def configure(self):
        host = os.path.join(self.top, "data", "".join(c if c.isalnum() else "%%%02x" % ord(c) for c in self.domain), "accounts")
        os.makedirs(host)
        for u in self.users:
            with open(os.path.join(host, f"{u}.dat"), "w") as f:
                f.write(f'return {{ ["password"] = "{PASSWORD}"; }};\n')
        h = self.how
        with open(f"{self.top}/prosody.cfg.lua", "w") as f:
            f.write(f'''run_as_root = true
pidfile = "{self.top}/prosody.pid"
data_path = "{self.top}/data"
network_backend = "epoll"
interfaces = {{ "127.0.0.1" }}
unbound = {{ resolvconf = false; hoststxt = false; forward = {{ "{self.zone.address}@{self.zone.port}" }} }}
modules_enabled = {{ "disco"; "roster"; "saslauth"; "tls"; "pep"; "ping"; "time"; "version"; "posix"; {'"dialback";' if h.get("dialback") else ""}
 {'"s2s_bidi";' if h.get("bidi") else ""} {'"smacks";' if h.get("smacks") else ""} }}
modules_disabled = {{ "limits"; "s2s_bidi_"; {"" if h.get("dialback") else '"dialback";'} }}
c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = {"false" if h.get("dialback") else "true"}
c2s_ports = {{ {self.port} }}
c2s_direct_tls_ports = {{ {self.tls_port} }}
s2s_ports = {{ {self.s2s_port} }}
s2s_direct_tls_ports = {{ {self.s2s_tls_port} }}
authentication = "internal_plain"
storage = "internal"
log = {{ {os.environ.get("WARDROOM_PEER_LOG", "info")} = "{self.top}/prosody.log" }}
ssl = {{ certificate = "{self.top}/cert.pem"; key = "{self.top}/key.pem"; cafile = "{h.get("trusts", self.ca.cert)}"; }}
c2s_direct_tls_ssl = {{ certificate = "{self.top}/cert.pem"; key = "{self.top}/key.pem"; }}
s2s_direct_tls_ssl = {{ certificate = "{self.top}/cert.pem"; key = "{self.top}/key.pem"; cafile = "{h.get("trusts", self.ca.cert)}"; }}
VirtualHost "{self.domain}"
Component "rooms.{self.domain}" "muc"
 muc_room_locking = false
''')

    def start(self):
        self.run(["prosody", "--config", f"{self.top}/prosody.cfg.lua", "-F"], cwd=f"{self.top}/data")
        until(lambda: listens(self.tls_port) and listens(self.s2s_port), 20, "prosody listens")


class EjabberdPeer(PeerServer):
    peer = "ejabberd"

    @staticmethod
    def missing():
        return None if shutil.which("ejabberdctl") or os.path.exists("/usr/sbin/ejabberdctl") else "ejabberd is not installed"

    def configure(self):
        for d in ("spool", "log", "conf"):
            os.makedirs(f"{self.top}/{d}")
        self.dist = free_ports(1)[0]
        dialback = "  mod_s2s_dialback: {}\n" if self.how.get("dialback") else ""
        verify = "required" if self.how.get("dialback") else "required"
        direct = (f"  - {{port: {self.s2s_tls_port}, ip: \"127.0.0.1\", module: ejabberd_s2s_in, tls: true}}\n") if self.how.get("direct") else ""
        with open(f"{self.top}/conf/ejabberd.yml", "w") as f:
            f.write(f'''loglevel: {os.environ.get("WARDROOM_PEER_LOG", "info")}
hosts: ["{self.domain}"]
certfiles: ["{self.top}/both.pem"]
ca_file: "{self.how.get("trusts", self.ca.cert)}"
auth_method: internal
auth_password_format: scram
registration_timeout: infinity
s2s_use_starttls: {verify}
s2s_dns_timeout: 5
s2s_dns_retries: 1
listen:
  - {{port: {self.port}, ip: "127.0.0.1", module: ejabberd_c2s, shaper: none, access: all, starttls: true}}
  - {{port: {self.tls_port}, ip: "127.0.0.1", module: ejabberd_c2s, shaper: none, access: all, tls: true}}
  - {{port: {self.s2s_port}, ip: "127.0.0.1", module: ejabberd_s2s_in}}
{direct}modules:
  mod_offline: {{}}
  mod_disco: {{}}
  mod_muc: {{host: "rooms.{self.domain}"}}
  mod_ping: {{}}
  mod_register: {{ip_access: all, access: all}}
  mod_roster: {{}}
  mod_version: {{}}
{dialback}''')
        ctl = shutil.which("ejabberdctl") or "/usr/sbin/ejabberdctl"
        with open(ctl) as f:
            text = f.read()
        with open(f"{self.top}/ejabberdctl", "w") as f:
            f.write("\n".join("INSTALLUSER=" if line.startswith("INSTALLUSER=") else line for line in text.split("\n")))
        os.chmod(f"{self.top}/ejabberdctl", 0o755)
        with open(f"{self.top}/conf/ejabberdctl.cfg", "w") as f:
            f.write(f'ERL_DIST_PORT={self.dist}\nINET_DIST_INTERFACE=127.0.0.1\nERLANG_NODE=ejabberd-{self.dist}@localhost\n'
                    f'ERL_OPTIONS=""\nERL_INETRC={self.top}/conf/inetrc\n')
        check(self.zone.port == 53, "Erlang asks port 53 alone")
        with open(f"{self.top}/conf/inetrc", "w") as f:
            f.write('{resolv_conf,""}.\n{hosts_file,""}.\n{nameserver,{%s}}.\n{lookup,[file,dns]}.\n' % self.zone.address.replace(".", ","))
        self.registered = False

    def greets(self):
        """It listens a moment before it can answer."""
        c = Client(self, "zoe")
        try:
            c.secure(True)
            return True
        except (OSError, Failed):
            return False
        finally:
            c.close()

    def start(self):
        env = dict(os.environ, HOME=self.top)
        self.run([f"{self.top}/ejabberdctl", "--config-dir", f"{self.top}/conf", "--logs", f"{self.top}/log", "--spool", f"{self.top}/spool", "foreground"],
                 env=env)
        until(lambda: listens(self.tls_port) and listens(self.s2s_port), 60, "ejabberd listens")
        until(self.greets, 30, "ejabberd has its certificates", 0.2)
        if not self.registered:
            for u in self.users:
                c = Client(self, u).secure(True)
                c.send(f"<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>{u}</username><password>{PASSWORD}</password></query></iq>")
                el = c.expect(name="iq", id="r", timeout=20)
                check(el.get("type") == "result", "registration")
                c.close()
            self.registered = True
