# SPDX-License-Identifier: MIT
"""What the interop tests share: Hawser as a puppet on a TAP device, the kernel's sockets at the other end, and tshark.

Each test lives in a network namespace of its own, and so do its devices, rules and settings. A test script lives in a
namespace of processes of its own: when it ends, however it does, so does everything that it started."""

import contextlib
import ctypes
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tool"))
from toolkit import need, skip  # noqa: E402

DRIVER = os.environ.get("HAWSER_INTEROP_DRIVER", "interop-driver")
KEEP = os.environ.get("HAWSER_INTEROP_KEEP")  # a folder for the captures, to look at them afterwards
PATIENCE = 40.0  # seconds; only a hanging test takes so long

KERNEL = {4: "198.18.0.1", 6: "2001:db8::1"}
HAWSER = {4: "198.18.0.2", 6: "2001:db8::2"}
FAR = {4: "198.18.1.1", 6: "2001:db8:1::1"}  # behind a router, where a test has one
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
SERVER, CLIENT = "server", "client"  # what Hawser is
BOTH = [(version, role) for version in (4, 6) for role in (SERVER, CLIENT)]

HAWSER_MAC = "02:48:57:00:00:02"

RESET = "Connection reset (RST)"
ZERO_WINDOW = ("TCP Zero Window segment", "TCP window specified by the receiver is now completely full")
LOSS = ("Previous segment(s) not captured", "This frame is a (suspected) out-of-order segment",
        "ACKed segment that wasn't captured")


# What Hawser may not find wrong with frames of the kernel's.
DAMAGE = {"truncated, or lengths that contradict each other", "IP header checksum", "TCP checksum",
          "illegal TCP option length", "IP version", "output buffer too small", "no memory",
          "too many islands out of order"}


def content(size, seed=1):
    return random.Random(seed).randbytes(size)


def digest(data):
    return hashlib.sha256(data).hexdigest()


# -- the puppet ------------------------------------------------------------------------------------------------------

class Refused(Exception):
    """Hawser answered a call with an error; str() is its name."""


class Puppet:
    patience = PATIENCE

    def __init__(self, tap="hawser0", mtu=1500, link_mtu=None, config=None, capture=None, versions=(4, 6)):
        bits = {4: 24, 6: 64}
        settings = {
            "tap": tap, "mtu": mtu, "link_mtu": link_mtu or mtu, "config": config or {},
            "peers": [f"{KERNEL[v]}/{bits[v]}" for v in versions],
            "addresses": [f"{HAWSER[v]}/{bits[v]}" for v in versions], "gateways": [KERNEL[v] for v in versions],
        }
        if capture:
            settings["capture"] = capture
        self.events, self.answers, self.changed = [], [], threading.Condition()
        self.ended, self.asking = False, threading.Lock()
        self.process = subprocess.Popen([DRIVER, json.dumps(settings)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, daemon=True).start()
        self.wait("ready")
        ip("link set", tap, "txqueuelen 10000")  # what the kernel sends waits for us, and is not lost

    def _listen(self):
        for line in self.process.stdout:
            said = json.loads(line)
            with self.changed:
                (self.answers if "re" in said else self.events).append(said)
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def _until(self, find, what):
        deadline = time.monotonic() + self.patience
        with self.changed:
            while (found := find()) is None:
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    why = self.process.stderr.read() if self.ended else "it did not happen"
                    raise AssertionError(f"{what}: {why}; events {self.events[-20:]}")
                self.changed.wait(left)
            return found

    def do(self, name, /, **arguments):
        """Obeyed at once; the answer, or Refused."""
        with self.asking:
            self.process.stdin.write(json.dumps({"do": name, **arguments}) + "\n")
            self.process.stdin.flush()
            answer = self._until(lambda: self.answers.pop(0) if self.answers else None, name)
        assert answer["re"] == name, answer
        if "error" in answer:
            raise Refused(answer["error"])
        return answer

    def __getattr__(self, name):
        """puppet.connect(...) is puppet.do("connect", ...)"""
        return lambda ident=None, /, **arguments: self.do(name, **({} if ident is None else {"id": ident}), **arguments)

    def wait(self, event, ident=None, **fields):
        """The first such event that nobody has waited for before."""
        wanted = {"event": event, **({} if ident is None else {"id": ident}), **fields}

        def find():
            for i, said in enumerate(self.events):
                if wanted.items() <= said.items():
                    return self.events.pop(i)
            return None
        return self._until(find, wanted)

    def has(self, event, ident):
        with self.changed:
            return any(said["event"] == event and said.get("id") == ident for said in self.events)

    def states(self, port=None):
        """States of connections and records, LISTEN left out, of one port of either side or of all."""
        return sorted(state for state, local, remote in self.walk()["all"]
                      if state != "LISTEN" and (port is None or port in (local, remote)))

    def end(self):
        if self.process.stdin.closed:
            return
        self.process.stdin.close()
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        said = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        assert status == 0 and not said, f"the driver ended with {status}: {said}"


# -- tshark ----------------------------------------------------------------------------------------------------------

# Linux writes a checksum of 0xffff where RFC 1624 wants 0; either is right to a receiver.
KERNEL_QUIRK = ("TCP Checksum 0xffff instead of 0x0000 (see RFC 1624)",)
WARN = 0x600000  # of _ws.expert.severity: a warning


def judge(capture, allowed):
    """What tshark finds wrong with a capture, as lines."""
    fields = ("frame.number", "eth.src", "_ws.malformed", "ip.checksum.status", "tcp.checksum.status", "tcp.stream",
              "tcp.analysis.retransmission", "frame.protocols", "_ws.expert.severity", "_ws.expert.message")
    command = ["tshark", "-n", "-r", capture, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
               "-o", "tcp.desegment_tcp_streams:FALSE", "-d", "tcp.port==0-65535,data",
               "-Y", "_ws.malformed || ip.checksum.status == 0 || icmp.checksum.status == 0"
                     " || icmpv6.checksum.status == 0 || (tcp && !icmp && !icmpv6 && !(tcp.checksum.status == 1))"
                     f" || _ws.expert.severity >= {WARN} || tcp.analysis.retransmission",
               "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0:
        return [f"tshark ended with {done.returncode}: {done.stderr[:500]}"]
    found, again = [], set()
    for line in done.stdout.splitlines():
        frame, sender, malformed, ip, tcp, stream, again_here, protocols, severities, messages = line.split("\t")
        quoted = ":icmp" in protocols  # an error's beginning of a segment; tshark sums up what there is of it
        where = f"frame {frame} from {sender}: "
        if again_here:
            again.add((stream, sender))
        if malformed:
            found.append(where + "malformed")
        if "0" in ip.split("|") or tcp and tcp != "1" and not quoted and not any(q in messages for q in KERNEL_QUIRK):
            found.append(where + f"checksum: ip {ip} tcp {tcp}")
        for severity, message in zip(severities.split("|"), messages.split("|")):
            if severity and int(severity) >= WARN and not any(text in message for text in allowed) and not (
                    quoted and message.startswith("Bad checksum") or message in KERNEL_QUIRK and sender != HAWSER_MAC):
                # On a busy machine the kernel repeats a FIN that is only answered late, and when the second answer
                # comes has no connection any more.
                if message != RESET or sender == HAWSER_MAC or (stream, sender) not in again:
                    found.append(where + message)
    return found


# -- tests -----------------------------------------------------------------------------------------------------------

class Case(unittest.TestCase):
    allow = ()  # expert warnings of tshark that a class provokes; a test adds its own

    def setUp(self):
        new_namespace()
        self.directory = KEEP or tempfile.mkdtemp(dir=os.environ["HAWSER_INTEROP_DIRECTORY"])
        self.allowed = set(self.allow)
        self.ports = iter(range(1000, 10000))
        self.captures = 0

    def puppet(self, capture=True, **settings):
        """Hawser on a device, until the test ends; then tshark reads the capture."""
        path = None
        if capture:
            self.captures += 1
            path = os.path.join(self.directory, f"{self.id().split('.', 1)[1]}-{self.captures}.pcap")
        puppet = Puppet(capture=path, **settings)
        self.addCleanup(self.finish, puppet, path)
        return puppet

    def finish(self, puppet, capture):
        if puppet.process.poll() is None and not puppet.process.stdin.closed:
            drops = puppet.counters()["drops"]
            self.assertEqual(set(drops) & DAMAGE, set(), "the kernel sent nothing of the kind")
        puppet.end()
        if capture:
            found = judge(capture, self.allowed)
            self.assertEqual(found[:20], [], f"{len(found)} findings of tshark")

    def provokes(self, *messages):
        self.allowed.update(messages)

    def pair(self, puppet, version, role, far=None, before=None, **behaviour):
        """A connection: the kernel's socket (in the namespace far) and Hawser's id; before(socket) sees it closed."""
        if role == SERVER:
            port = next(self.ports)
            listener = puppet.listen(port=port, **behaviour)["id"]
            kernel = self.socket(version, far)
            if before:
                before(kernel)
            kernel.connect((HAWSER[version], port))
            ident = puppet.wait("accepted", listener=listener, port=kernel.getsockname()[1])["id"]
            puppet.close(listener)
        else:
            address = (FAR if far else KERNEL)[version]
            with self.listener(version, address, before=before, far=far) as listener:
                ident = puppet.connect(address=address, port=listener.getsockname()[1], **behaviour)["id"]
                kernel = listener.accept()[0]
            kernel.settimeout(PATIENCE)
            self.addCleanup(kernel.close)
            puppet.wait("connected", ident)
        return kernel, ident

    def each(self, puppet, body, **behaviour):
        """body(kernel, ident) with a connection of either version in which Hawser has either role."""
        for version, role in BOTH:
            with self.subTest(version=version, hawser=role):
                body(*self.pair(puppet, version, role, **behaviour))

    def both_ways(self, puppet, kernel, ident, data):
        """The kernel sends data, Hawser as much of its own, at once; both close, and everything arrives."""
        puppet.behave(ident, source=len(data), read=True, after="shutdown", at_end="close")
        sender = Sender(kernel, data)
        got = read_all(kernel)
        sender.done()
        self.assertEqual(len(got), len(data))
        self.assertEqual(digest(got), puppet.wait("queued", ident)["sha256"])
        self.assertEqual(puppet.wait("end", ident)["sha256"], digest(data))

    def all(self, puppet, **behaviour):
        """Four such connections at once."""
        return [self.pair(puppet, version, role, **behaviour) for version, role in BOTH]

    def socket(self, version, far=None):
        with far or contextlib.nullcontext():
            kernel = socket.socket(FAMILY[version], socket.SOCK_STREAM)
        kernel.settimeout(PATIENCE)
        self.addCleanup(kernel.close)
        return kernel

    def listener(self, version, address, port=0, before=None, far=None):
        listener = self.socket(version, far)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if before:
            before(listener)
        listener.bind((address, port))
        listener.listen(4096)
        return listener

    def router(self):
        """Makes this namespace a router: behind near0 lies the namespace that is returned, with the FAR addresses."""
        far = Namespace()
        self.addCleanup(far.close)
        ip("link add near0 type veth peer name far0 netns", f"/proc/self/fd/{far.fd}", pass_fds=(far.fd,))
        for version, this, bits, family in ((4, "198.18.1.254", 24, "-4"), (6, "2001:db8:1::fe", 64, "-6")):
            nodad = "nodad" if version == 6 else ""
            self.sysctl({4: "ipv4/ip_forward", 6: "ipv6/conf/all/forwarding"}[version], 1)
            ip(f"address add {this}/{bits} dev near0 {nodad}")
            ip("link set near0 up gso_max_segs 1")
            with far:
                ip(f"address add {FAR[version]}/{bits} dev far0 {nodad}")
                ip("link set far0 up gso_max_segs 1")  # each packet by itself, as on a real wire
                ip(family, "route add default via", this)
        return far

    def sysctl(self, name, value):
        """Sets one of this namespace."""
        set_sysctl(name, value)

    def drop(self, rule, hook="input"):
        """A rule of nftables that drops; undrop() ends it."""
        nft("table inet interop {\nchain drops {\ntype filter hook %s priority 0;\n%s counter drop\n}\n}\n"
            % (hook, rule))

    def undrop(self):
        """How many packets were dropped."""
        rules = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
        nft("flush ruleset")
        return sum(map(int, re.findall(r"counter packets (\d+)", rules)))

    def eventually(self, what, wanted, seconds=PATIENCE):
        """Asks again until the answer is wanted."""
        deadline = time.monotonic() + seconds
        while (found := what()) != wanted and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(found, wanted)


def set_sysctl(name, value):
    with open("/proc/sys/net/" + name, "w", encoding="ascii") as file:
        file.write(str(value))


def nft(rules):
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


def ip(*words, **options):
    subprocess.run(["ip", *" ".join(map(str, words)).split()], check=True, **options)


# -- the kernel's sockets --------------------------------------------------------------------------------------------

def read_all(kernel, limit=None):
    """Up to the peer's FIN, or limit bytes."""
    pieces, size = [], 0
    while limit is None or size < limit:
        piece = kernel.recv(1 << 18 if limit is None else min(1 << 18, limit - size))
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)


class Sender(threading.Thread):
    """Sends data from a thread of its own, then half-closes."""

    def __init__(self, kernel, data, half_close=True):
        super().__init__(daemon=True)
        self.kernel, self.data, self.half_close, self.error = kernel, data, half_close, None
        self.start()

    def run(self):
        try:
            self.kernel.sendall(self.data)
            if self.half_close:
                self.kernel.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.error = error

    def done(self):
        self.join(PATIENCE)
        if self.error:
            raise self.error
        assert not self.is_alive(), "the kernel could not send everything"


TCP_STATES = ("?", "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED",
              "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING")


class TcpInfo:
    """The first fields of the kernel's struct tcp_info."""

    def __init__(self, kernel):
        raw = kernel.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        self.state = TCP_STATES[raw[0]]
        self.probes = raw[3]
        self.timestamps, self.sack, self.wscale, self.ecn = (bool(raw[5] & bit) for bit in (1, 2, 4, 8))
        self.snd_wscale, self.rcv_wscale = raw[6] & 15, raw[6] >> 4
        self.snd_mss, = struct.unpack_from("=I", raw, 16)
        self.path_mtu, = struct.unpack_from("=I", raw, 60)


def linger_reset(kernel):
    """close() will send a RST."""
    kernel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# -- more namespaces -------------------------------------------------------------------------------------------------

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def new_namespace():
    """Moves this thread, and what it starts, into an empty network namespace."""
    if LIBC.unshare(CLONE_NEWNET) != 0:
        skip(f"no network namespace: {os.strerror(ctypes.get_errno())}")
    for name, value in (("ipv6/conf/default/accept_dad", 0), ("ipv6/conf/default/router_solicitations", 0),
                        ("ipv4/tcp_no_metrics_save", 1)):  # at once; no noise; nothing known of connections before
        set_sysctl(name, value)
    ip("link set lo up")


class Namespace:
    """One more; sockets made, and programs started, inside `with namespace:` belong to it. A thread may do so once."""

    def __init__(self):
        self.outside = threading.local()  # for each thread, the one that it came from
        self.fd = None
        with self:
            pass

    def __enter__(self):
        self.outside.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        if self.fd is None:
            new_namespace()
            self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        else:
            self.move(self.fd)

    def __exit__(self, *_):
        self.move(self.outside.fd)
        os.close(self.outside.fd)

    def move(self, to):
        if LIBC.setns(to, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def close(self):
        os.close(self.fd)


def enter():
    """Runs this script again as the first process of its namespaces. The one outside only waits and tidies up."""
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        skip(f"no TAP devices: {error}")
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *rights, "--net", "--pid", "--mount-proc", "--fork", "--kill-child",
               "--propagation", "unchanged"]  # only /proc's is; in a chroot there is no root to change it of
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        skip(f"no namespaces of networks and processes here: {tried.stderr.strip()}")
    with tempfile.TemporaryDirectory(prefix="hawser-interop-") as directory:
        environment = dict(os.environ, HAWSER_INTEROP_DIRECTORY=directory)
        child = subprocess.Popen([*command, sys.executable, "-B", *sys.argv], env=environment)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            sys.exit(child.wait())
        except KeyboardInterrupt:
            pass
        finally:
            child.kill()  # and so all of them
            child.wait()
    sys.exit(1)


def main(*programs):
    """unittest's main, in namespaces, with a status that meson understands."""
    need("ip", "tshark", "unshare", *programs)
    if shutil.which(DRIVER) is None:
        skip(f"no driver {DRIVER}")
    if "HAWSER_INTEROP_DIRECTORY" not in os.environ:
        enter()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)


__all__ = [name for name in dir() if re.match(r"[A-Za-z]", name)]
