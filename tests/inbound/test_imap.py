"""A mailbox that somebody else serves, played by a small IMAP server of our own."""

import re
import socketserver
import threading

import pytest

from digest.errors import ConfigError, RetryLater, StoreBusy
from digest.inbound import imap

PASSWORD = "open sesame"


class Mailbox(socketserver.StreamRequestHandler):
    """As much of IMAP4rev1 (RFC 3501) as a client needs that looks for unseen mail."""

    def handle(self):
        self.say("* OK ready")
        while line := self.rfile.readline().decode().strip():
            tag, _, command = line.partition(" ")
            self.server.heard.append(command)
            if not self.answer(tag, command):
                return

    def answer(self, tag, command):
        server, verb = self.server, command.split()[0].upper()
        if verb == "LOGIN" and PASSWORD not in command:
            self.say(f"{tag} NO [AUTHENTICATIONFAILED] {command}")
            return True
        if verb == "CAPABILITY":
            self.say("* CAPABILITY IMAP4rev1")
        elif verb == "SELECT":
            self.say(f"* {len(server.mails)} EXISTS")
        elif command.upper().startswith("UID SEARCH"):
            unseen = [uid for uid in server.mails if "\\Seen" not in server.flags[uid]]
            self.say("* SEARCH " + " ".join(unseen))
        elif command.upper().startswith("UID FETCH"):
            uid = command.split()[2]
            mail = server.mails[uid]
            self.say(f"* {uid} FETCH (UID {uid} BODY[]<0> {{{len(mail)}}}")
            self.wfile.write(mail + b")\r\n")
        elif command.upper().startswith("UID STORE"):
            _, _, uid, _, flags = command.split(" ", 4)
            server.flags[uid] |= set(re.findall(r"\\\w+", flags))
        elif verb == "LOGOUT":
            self.say("* BYE")
        self.say(f"{tag} OK done")
        return verb != "LOGOUT"

    def say(self, line):
        self.wfile.write(f"{line}\r\n".encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, mails):
        super().__init__(("127.0.0.1", 0), Mailbox)
        self.mails = {str(uid): mail for uid, mail in enumerate(mails, 1)}
        self.flags = {uid: set() for uid in self.mails}
        self.heard = []

    def url(self, password="open%20sesame"):
        return f"imap://ada:{password}@127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def server():
    with Server(
        [b"Subject: one\r\n\r\n1", b"Subject: two\r\n\r\n2", b"Subject: three\r\n\r\n3"]
    ) as it:
        running = threading.Thread(target=it.serve_forever, kwargs={"poll_interval": 0.01})
        running.start()
        yield it
        it.shutdown()
        running.join()


def test_unseen_mails_are_taken_in_and_marked_as_seen(server):
    taken = []
    server.flags["2"].add("\\Seen")
    assert imap.poll(server.url(), "INBOX", lambda raw, to: taken.append((raw, to))) == 2
    assert taken == [(server.mails["1"], []), (server.mails["3"], [])]
    assert all("\\Seen" in each for each in server.flags.values())
    assert imap.poll(server.url(), "INBOX", lambda raw, to: taken.append(raw)) == 0


def test_nothing_is_ever_deleted_and_looking_marks_nothing(server):
    imap.poll(server.url(), "INBOX", lambda raw, to: None)
    assert not any("Deleted" in each or "EXPUNGE" in each for each in server.heard)
    assert all("PEEK" in each for each in server.heard if "FETCH" in each)


def test_what_cannot_be_taken_in_now_stays_unseen_for_the_next_time(server):
    def busy(raw, _to):
        if raw.endswith(b"2"):
            raise StoreBusy("locked")

    assert imap.poll(server.url(), "INBOX", busy) == 1
    assert server.flags == {"1": {"\\Seen"}, "2": set(), "3": set()}


def test_one_bad_mail_is_flagged_and_does_not_stop_the_others(server, caplog):
    def trips(raw, _to):
        if raw.endswith(b"2"):
            raise ZeroDivisionError("ada@example.org")

    assert imap.poll(server.url(), "INBOX", trips) == 2
    assert server.flags["2"] == {"\\Seen", "\\Flagged"}
    assert "ada@" not in caplog.text


def test_a_refused_login_tells_no_password(server):
    with pytest.raises(RetryLater) as refused:
        imap.poll(server.url("wrong-password"), "INBOX", lambda raw, to: None)
    assert "wrong-password" not in str(refused.value)
    assert "ada" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_server_that_is_not_there_is_tried_later():
    with pytest.raises(RetryLater, match=r"127\.0\.0\.1"):
        imap.poll("imap://ada:x@127.0.0.1:1", "INBOX", lambda raw, to: None)


@pytest.mark.parametrize(
    "url", ["", "pop3://a:b@c", "imaps://host", "imaps://a:b@host:port", "imaps://[x"]
)
def test_an_address_that_is_none_is_a_wrong_setting(url):
    with pytest.raises(ConfigError, match="imap"):
        imap.poll(url, "INBOX", lambda raw, to: None)
