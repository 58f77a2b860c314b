"""A mailbox that somebody else serves, played by a small IMAP server of our own."""

import re
import socketserver
import threading
from contextlib import contextmanager
from dataclasses import replace
from random import Random

import pytest

from digest import doctor
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
        elif verb in ("SELECT", "EXAMINE"):
            if "INBOX" not in command:
                self.say(f"{tag} NO [NONEXISTENT] {command}")
                return True
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


@contextmanager
def serving(mails):
    with Server(mails) as it:
        running = threading.Thread(target=it.serve_forever, kwargs={"poll_interval": 0.01})
        running.start()
        yield it
        it.shutdown()
        running.join()


@pytest.fixture
def server():
    with serving(
        [b"Subject: one\r\n\r\n1", b"Subject: two\r\n\r\n2", b"Subject: three\r\n\r\n3"]
    ) as it:
        yield it


def poll(url, deliver, *, folder="INBOX", seed=1):
    return imap.poll(url, folder, deliver, rng=Random(seed))


def test_unseen_mails_are_taken_in_and_marked_as_seen(server):
    taken = []
    server.flags["2"].add("\\Seen")
    assert poll(server.url(), lambda raw, to: taken.append((raw, to))) == 2
    assert taken == [(server.mails["1"], []), (server.mails["3"], [])]
    assert all("\\Seen" in each for each in server.flags.values())
    assert poll(server.url(), lambda raw, to: taken.append(raw)) == 0


def test_nothing_is_ever_deleted_and_looking_marks_nothing(server):
    poll(server.url(), lambda raw, to: None)
    assert not any("Deleted" in each or "EXPUNGE" in each for each in server.heard)
    assert all("PEEK" in each for each in server.heard if "FETCH" in each)


@pytest.mark.parametrize("error", [StoreBusy("locked"), ConfigError("the disk is full")])
def test_while_the_database_cannot_be_used_mails_stay_unseen_for_the_next_time(server, error):
    def busy(raw, _to):
        if raw.endswith(b"2"):
            raise error

    with pytest.raises(type(error), match=error.message):
        poll(server.url(), busy)
    assert server.flags == {"1": {"\\Seen"}, "2": set(), "3": set()}


def test_a_mail_that_has_to_wait_stays_unseen_and_does_not_stop_the_others(server):
    def picky(raw, _to):
        if raw.endswith(b"2"):
            raise RetryLater("There is too much mail that nobody could read.")

    assert poll(server.url(), picky) == 2
    assert server.flags == {"1": {"\\Seen"}, "2": set(), "3": {"\\Seen"}}


def test_many_mails_that_wait_do_not_starve_those_behind_them(monkeypatch):
    monkeypatch.setattr(imap, "MOST_AT_ONCE", 4)
    looked = []

    def picky(raw, _to):
        looked.append(raw)
        if raw == b"junk":
            raise RetryLater("There is too much mail that nobody could read.")

    with serving([b"junk"] * 9 + [b"unsubscribe"] + [b"junk"] * 9) as server:
        polls = next(n for n in range(1, 50) if poll(server.url(), picky, seed=n))
        assert len(looked) <= 4 * polls, "no poll looks at more than it may"
        assert server.flags["10"] == {"\\Seen"}


def test_of_many_mails_the_oldest_come_first(monkeypatch):
    monkeypatch.setattr(imap, "MOST_AT_ONCE", 2)
    taken = []
    with serving([b"1", b"2", b"3"]) as server:
        for _ in range(2):
            poll(server.url(), lambda raw, to: taken.append(raw))
    assert taken == [b"1", b"2", b"3"]


def test_one_bad_mail_is_flagged_and_does_not_stop_the_others(server, caplog):
    def trips(raw, _to):
        if raw.endswith(b"2"):
            raise ZeroDivisionError("ada@example.org")

    assert poll(server.url(), trips) == 2
    assert server.flags["2"] == {"\\Seen", "\\Flagged"}
    assert "ada@" not in caplog.text


def test_a_refused_login_tells_no_password(server):
    with pytest.raises(RetryLater, match="refuses the login") as refused:
        poll(server.url("wrong-password"), lambda raw, to: None)
    assert "wrong-password" not in str(refused.value)
    assert "ada" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_folder_that_is_not_there_is_said_to_be_the_mistake(server):
    with pytest.raises(RetryLater, match="no folder 'Inbocks'"):
        poll(server.url(), lambda raw, to: None, folder="Inbocks")


def test_a_server_that_is_not_there_is_tried_later():
    with pytest.raises(RetryLater, match=r"127\.0\.0\.1"):
        poll("imap://ada:x@127.0.0.1:1", lambda raw, to: None)


def test_a_password_that_cannot_be_sent_is_a_wrong_setting(server):
    with pytest.raises(ConfigError, match="ASCII characters only"):
        poll(server.url("p%C3%A4ss"), lambda raw, to: None)
    assert server.heard == []


@pytest.fixture
def checked(application):
    """What `digest doctor` says of a mailbox: (level, text) of each finding about incoming mail."""

    def check(url, folder="INBOX"):
        given = replace(
            application.settings.inbound, domain="papers.example", imap=url, imap_folder=folder
        )
        application.settings = replace(application.settings, inbound=given)
        found = doctor.examine(application)
        return {(each.level, each.text) for each in found if each.check == "inbound"}

    return check


def test_doctor_logs_in_and_changes_nothing(server, checked):
    taken = "mail for papers.example is taken in from the mailbox at 127.0.0.1"
    assert ("fine", taken) in checked(server.url())
    asked = {each.split()[0] for each in server.heard}
    assert asked == {"CAPABILITY", "LOGIN", "EXAMINE", "LOGOUT"}


def test_doctor_says_what_is_wrong_with_a_mailbox(server, checked, free_port):
    begin = "The mailbox at 127.0.0.1 cannot be read now: "
    login = "it refuses the login; check user name and password in [inbound] imap."
    assert ("wrong", begin + login) in checked(server.url("wrong"))
    folder = "it has no folder 'Papers'; make it, or correct [inbound] imap_folder."
    assert ("wrong", begin + folder) in checked(server.url(), "Papers")
    refused = "Connection refused; check host and port in [inbound] imap."
    assert ("wrong", begin + refused) in checked(f"imap://ada:x@127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    "url", ["", "pop3://a:b@c", "imaps://host", "imaps://a:b@host:port", "imaps://[x"]
)
def test_an_address_that_is_none_is_a_wrong_setting(url):
    with pytest.raises(ConfigError, match="imap"):
        poll(url, lambda raw, to: None)
