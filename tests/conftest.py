"""Fixtures that every room's tests share."""

from __future__ import annotations

import ctypes
import os
import pwd
import random
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no reason for a property to fail; where merging hangs on it, the examples are
# the same every time, and new ones are looked for on people's own machines.
settings.register_profile("patient", deadline=None, max_examples=50, derandomize="CI" in os.environ)
settings.load_profile("patient")

ROOT = Path(__file__).parents[1]
RECORDINGS = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Real recorded listings, where they are at hand; other people's text is not in the repo."""
    if not RECORDINGS.is_dir():
        pytest.skip("no recorded listings beside the checkout (../shared/data)")
    return RECORDINGS


@pytest.fixture(scope="session")
def free_port():
    """Finds a port on loopback that nobody listens on."""
    return _free_port


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1 and two names: (server context, its PEM file)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begin = datetime.now(UTC) - timedelta(days=1)
    names = [x509.DNSName(each) for each in ("localhost", "secure.test")]
    names.append(x509.IPAddress(ip_address("127.0.0.1")))
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    encoding = serialization.Encoding.PEM
    file.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(encoding)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, file


@pytest.fixture(scope="session")
def trusting(certificate):
    """What a client trusts who trusts that certificate."""
    return ssl.create_default_context(cafile=certificate[1])


@pytest.fixture
def now() -> datetime:
    """A fixed Wednesday morning."""
    return datetime(2026, 6, 10, 7, tzinfo=UTC)


@pytest.fixture(scope="session", autouse=True)
def templates_are_checked_once():
    """What inlines and checks templates is a function of their text: the same text is not tried anew."""
    from digest.rendering import templates

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(templates, "inline", lru_cache(templates.inline))
        patch.setattr(templates, "lint", lru_cache(templates.lint))
        yield


@pytest.fixture(scope="session", autouse=True)
def set_up():
    """Let databases of tests not wait for the disk, which took half of their time; gives the real settings."""
    from digest.store import connections

    real = connections.SET_UP
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "SET_UP", (*real, "PRAGMA synchronous = OFF"))
        yield real


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """The file of an empty database at the newest schema: made once and copied, for speed."""
    from digest.store import open_store

    path = tmp_path_factory.mktemp("empty") / "empty.db"
    store = open_store(path)
    store.migrate()
    store.close()
    return path


@pytest.fixture
def store(tmp_path, empty):
    """An empty database at the newest schema."""
    from digest.store import open_store

    store = open_store(shutil.copy(empty, tmp_path / "digest.db"))
    yield store
    store.close()


@contextmanager
def without_override():
    """Let the rights of a file count for root as well, in this thread and those it starts (Linux)."""
    libc = ctypes.CDLL(None)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this thread
    held = (ctypes.c_uint32 * 6)()
    if not hasattr(libc, "capget") or libc.capget(header, held):
        pytest.skip("root writes to every file here")
    less = (ctypes.c_uint32 * 6)(*held)
    less[0] &= ~(1 << 1)  # of what is in effect, CAP_DAC_OVERRIDE
    libc.capset(header, less)
    try:
        yield
    finally:
        libc.capset(header, held)


@pytest.fixture(scope="session")
def unwritable():
    """`with unwritable(file) as copy:`, which this process can meanwhile read, and not write."""

    @contextmanager
    def copied(file):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copy(file, folder))
            copy.chmod(0o444)
            with without_override() if os.geteuid() == 0 else nullcontext():
                yield copy

    return copied


@pytest.fixture
def application(tmp_path, now, empty):
    """An application in a folder of its own, at a fixed moment; `moment[0]` may be moved."""
    from digest.app import App
    from digest.config import load

    moment = [now]
    settings = load(
        ROOT / "config" / "digest.toml",
        environment={},
        overrides={
            "db": str(tmp_path / "digest.db"),
            "smtp.url": f"maildir:{tmp_path / 'maildir'}",
            "site.url": "https://digest.example",
            "mail.from": "digest@digest.example",
            "worker.publish": str(tmp_path / "public"),
            "keep.backups": str(tmp_path / "backups"),
        },
    )
    shutil.copy(empty, settings.db)
    with App(settings, clock=lambda: moment[0]) as app:
        app.create()
        app.moment = moment
        yield app


@pytest.fixture
def subscribe(application):
    """Adds a confirmed reader, of cs.IR unless told otherwise."""
    from digest import subscriptions

    def add(email="ada@example.org", **wishes):
        wishes.setdefault("topics", ["cs.IR"])
        return subscriptions.subscribe(
            application.store,
            email,
            subscriptions.Wishes(**wishes),
            topics=application.settings.topics,
            defaults=application.newcomer,
            confirmed=True,
            now=application.clock(),
        )

    return add


@pytest.fixture
def mails(tmp_path):
    """The mails in the Maildir of the test's folder, as a mail program reads them."""

    def look():
        files = sorted((tmp_path / "maildir").glob("new/*"))
        return [message_from_bytes(each.read_bytes(), policy=policy.default) for each in files]

    return look


THEMES = (
    "protein folding structure residue energy",
    "graph neural network node message",
    "orbit telescope galaxy spectrum dust",
    "market auction price bidder welfare",
    "speech phoneme audio speaker acoustic",
)


@pytest.fixture(scope="session")
def archive():
    """Makes items of a day: papers of five themes, whose words stand together, by number."""
    from digest.model import Announcement, AnnounceType, Item, Paper

    def make(numbers: Iterable[int], *, seen_at=datetime(2026, 6, 10, 4, tzinfo=UTC)):
        items = []
        for number in numbers:
            words = random.Random(number)
            theme = THEMES[number % len(THEMES)].split()
            about = [*words.choices(theme, k=12), *(f"w{words.randrange(400)}" for _ in range(12))]
            key = f"arxiv:2601.{number:05}"
            paper = Paper(
                id=key,
                title=f"On {' '.join(words.sample(theme, 3))}",
                abstract=" ".join(words.sample(about, len(about))),
                categories=("cs.LG",),
                identifiers=(key,),
            )
            news = Announcement(
                paper_id=key,
                source="arxiv",
                feed="cs.LG",
                day=seen_at.date(),
                type=AnnounceType.NEW,
                seen_at=seen_at,
            )
            items.append(Item(paper=paper, announcement=news))
        return items

    return make


MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
smtp unix - - n - - smtp
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
MAIN = """\
compatibility_level = 3.6
myhostname = mx.example.net
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
virtual_mailbox_domains = example.net
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {boxes} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_recipient_restrictions = reject_unlisted_recipient, reject_unauth_destination
{more}
"""


@dataclass(frozen=True)
class Postfix:
    """An instance of its own: own queue, own port on loopback, nothing of the system's touched."""

    port: int
    mail: Path
    log: Path

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def master(self) -> int:
        """The process above all others of this instance."""
        return int((self.mail.parent / "queue" / "pid" / "master.pid").read_text())

    def files(self, name: str = "*") -> list[Path]:
        """What lies in the mailboxes, or in one, oldest first."""
        return sorted(self.mail.glob(f"{name}/new/*"), key=lambda each: each.stat().st_mtime_ns)


@pytest.fixture(scope="module")
def start_postfix():
    """Start Postfix with these mailboxes and settings; it is stopped after the module."""
    with postfix_instances() as start:
        yield start


@contextmanager
def postfix_instances():
    """Start instances of Postfix, which end with the block; skips where it cannot be run."""
    if shutil.which("postfix") is None:
        pytest.skip("postfix is not installed")
    if os.geteuid() != 0:
        pytest.skip("postfix must be started by root")
    folders = []

    def start(addresses: Iterable[str], *settings: str) -> Postfix:
        # Not tmp_path: Postfix's own user must be able to get there.
        folder = Path(tempfile.mkdtemp(prefix="digest-postfix-"))
        folders.append(folder)
        port = _free_port()
        _lay_out(folder, port, addresses, settings)
        started = _postfix(folder, "start")
        if started.returncode != 0:
            pytest.skip(f"postfix does not start here: {started.stderr[-300:]}")
        return Postfix(port, folder / "mail", folder / "mail.log")

    try:
        yield start
    finally:
        for folder in folders:
            _postfix(folder, "stop")
            shutil.rmtree(folder)


def _lay_out(folder: Path, port: int, addresses: Iterable[str], settings: Iterable[str]) -> None:
    owner = pwd.getpwnam("postfix")
    folder.chmod(0o755)
    for name in ("config", "queue", "data", "mail"):
        (folder / name).mkdir()
    for name in ("data", "mail"):
        os.chown(folder / name, owner.pw_uid, owner.pw_gid)
    config = folder / "config"
    boxes = ", ".join(f"{{ {each} = {each.partition('@')[0] or 'all'}/ }}" for each in addresses)
    main = MAIN.format(
        folder=folder,
        boxes=boxes,
        uid=owner.pw_uid,
        gid=owner.pw_gid,
        more="\n".join(settings),
    )
    (config / "main.cf").write_text(main)
    (config / "master.cf").write_text(MASTER.format(port=port))
    for name in ("postfix-files", "dynamicmaps.cf"):
        shutil.copy(Path("/etc/postfix") / name, config)


def _postfix(folder: Path, verb: str) -> subprocess.CompletedProcess[str]:
    command = ["postfix", "-c", folder / "config", verb]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


@pytest.fixture
def opendkim(tmp_path):
    """What opendkim says of the signatures of mails from a Maildir, with these TXT records."""
    if shutil.which("opendkim") is None:
        pytest.skip("opendkim is not installed")

    def check(mails: Iterable[bytes], records: dict[str, str]) -> str:
        for number, content in enumerate(mails):
            (tmp_path / f"{number}.eml").write_bytes(content.replace(b"\n", b"\r\n"))
        (tmp_path / "dns").write_text("".join(f"{each} {records[each]}\n" for each in records))
        (tmp_path / "conf").write_text(
            f"Mode v\nSyslog no\nTestDNSData file:{tmp_path}/dns\nOn-Default reject\n"
        )
        command = [
            "opendkim",
            "-x",
            tmp_path / "conf",
            "-t",
            ",".join(map(str, tmp_path.glob("*.eml"))),
        ]
        checked = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        return checked.stdout + checked.stderr

    return check
