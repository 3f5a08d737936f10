# SPDX-License-Identifier: Apache-2.0
"""Receivers of alerts for the tests of the courier: a real rsyslog, and HTTP and TCP servers that misbehave on order."""
import http.server
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

RSYSLOG_CONF = """
global(workDirectory="{dir}" maxMessageSize="64k")
module(load="imudp")
input(type="imudp" port="{port}" address="127.0.0.1")
module(load="imtcp")
input(type="imtcp" port="{port}" address="127.0.0.1")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{dir}/log" CreatePath="on" UseSpecialParser="off" ParseHostname="on" RateLimit.Interval="0")
template(name="fields" type="list") {{
  property(name="syslogpriority") constant(value="\\t")
  property(name="syslogfacility-text") constant(value="\\t")
  property(name="timereported" dateFormat="rfc3339") constant(value="\\t")
  property(name="hostname") constant(value="\\t")
  property(name="app-name") constant(value="\\t")
  property(name="procid") constant(value="\\t")
  property(name="msgid") constant(value="\\t")
  property(name="structured-data") constant(value="\\t")
  property(name="protocol-version") constant(value="\\t")
  property(name="msg") constant(value="\\n")
}}
action(type="omfile" file="{dir}/out" template="fields" fileCreateMode="0600")
"""
FIELDS = ["priority", "facility", "time", "hostname", "appname", "procid", "msgid", "sd", "version", "msg"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition, timeout=5):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


class Rsyslog:
    """A private rsyslog that listens on a UDP and TCP port and a unix socket, all in a directory of its own."""

    @staticmethod
    def binary():
        return shutil.which("rsyslogd") or (os.path.exists("/usr/sbin/rsyslogd") and "/usr/sbin/rsyslogd") or None

    def __init__(self, port=None):
        self.dir = tempfile.mkdtemp(prefix="sallyport-rsyslog-")
        os.chmod(self.dir, 0o755)
        self.port = port or free_port()
        self.socket = os.path.join(self.dir, "log")
        self.process = None

    def start(self):
        conf = os.path.join(self.dir, "conf")
        with open(conf, "w") as f:
            f.write(RSYSLOG_CONF.format(dir=self.dir, port=self.port))
        self.process = subprocess.Popen([self.binary(), "-n", "-f", conf, "-i", os.path.join(self.dir, "pid")],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if not wait_for(lambda: os.path.exists(self.socket), 10):
            raise AssertionError("rsyslog does not start: " + self.process.stderr.read1().decode(errors="replace"))
        return self

    def messages(self):
        try:
            lines = open(os.path.join(self.dir, "out"), encoding="utf-8", errors="surrogateescape").read().splitlines()
        except OSError:
            return []
        return [dict(zip(FIELDS, line.split("\t", len(FIELDS) - 1))) for line in lines if line.count("\t") >= len(FIELDS) - 1]

    def alerts(self):
        out = []
        for m in self.messages():
            try:
                out.append(json.loads(m["msg"].lstrip("\ufeff")))
            except ValueError:
                pass
        return out

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class HttpReceiver:
    """Answers each request by plan(number, headers, body): a status, ("sleep", s), "reset" or "hang"."""

    def __init__(self, plan=lambda n, headers, body: 200, port=0, tls=None):
        self.requests = []
        self.accepted = []  # bodies that were answered with 2xx
        self.connections = 0
        self.lock = threading.Lock()
        self.release = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                with outer.lock:
                    outer.connections += 1

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with outer.lock:
                    n = len(outer.requests)
                    outer.requests.append((self.path, dict(self.headers), body))
                what = plan(n, self.headers, body)
                if isinstance(what, tuple):
                    time.sleep(what[1])
                    what = 200
                if what == "hang":
                    outer.release.wait(30)
                    self.close_connection = True
                    return
                if what == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.close_connection = True
                    self.connection.close()
                    return
                if 200 <= what < 300:
                    with outer.lock:
                        outer.accepted.append(body)
                # in one piece: two small ones would wait for the other side's delayed acknowledgement
                self.wfile.write(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok" % what)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path="/alerts"):
        return f"http://127.0.0.1:{self.port}{path}"

    def alerts(self):
        with self.lock:
            return [json.loads(b) for b in self.accepted]

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


class TcpSyslog:
    """Octet-counted messages; mode: "read", "slow" (a message at a time, with pauses), "never" (accepts, never reads)."""

    def __init__(self, mode="read", port=0, pause=0.05):
        self.mode, self.pause = mode, pause
        self.messages = []
        self.torn = 0
        self.connections = []
        self.open = True
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if mode == "never":
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(8)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while self.open:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(c)
            if self.mode != "never":
                threading.Thread(target=self.read, args=(c,), daemon=True).start()

    def read(self, c):
        f = c.makefile("rb")
        try:
            while True:
                digits = b""
                while (b := f.read(1)) not in (b" ", b""):
                    digits += b
                if not b:
                    return
                data = f.read(int(digits))
                if len(data) < int(digits):
                    self.torn += 1
                    return
                self.messages.append(data)
                if self.mode == "slow":
                    time.sleep(self.pause)
        except (OSError, ValueError):
            pass

    def reset(self):
        """Break every connection, as a receiver that crashes does."""
        for c in self.connections:
            try:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                c.shutdown(socket.SHUT_RD)
                c.close()
            except OSError:
                pass
        self.connections = []

    def close(self):
        self.open = False
        self.listener.close()
        self.reset()
