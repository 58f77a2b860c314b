"""The LMTP door, spoken to by a real client."""

import smtplib
import socket
import stat
import threading

import pytest

from digest.errors import ConfigError, RetryLater, StoreBusy
from digest.inbound import lmtp

MAIL = b"From: ada@example.org\r\nSubject: weekly\r\n\r\nweekly\r\n"
TO = ["reply+tag@papers.example"]
OURS = {"secret": b"ours", "domains": ["Papers.example", "bücher.example"]}


@pytest.fixture
def taken():
    return []


@pytest.fixture
def serve(taken, free_port):
    """Open a door on loopback; what comes in is kept in `taken`."""
    servers = []

    def start(deliver=lambda raw, to: None, address=None):
        address = address or f"127.0.0.1:{free_port()}"

        def keep(raw, recipients):
            taken.append((raw, recipients))
            deliver(raw, recipients)

        servers.append(lmtp.Server(keep, address, **OURS))
        return address

    yield start
    for each in servers:
        each.close()


def client(address):
    if address.startswith("unix:"):
        return smtplib.LMTP(address.removeprefix("unix:"))
    host, _, port = address.rpartition(":")
    return smtplib.LMTP(host, int(port), local_hostname="localhost")


def answers(address, recipients, content=MAIL, sender="ada@example.org"):
    """The replies to one mail, one for each recipient, as bare bytes on the wire."""
    with client(address) as connection:
        connection.ehlo_or_helo_if_needed()
        connection.mail(sender)
        for each in recipients:
            assert connection.rcpt(each)[0] == 250
        connection.putcmd("DATA")
        assert connection.getreply()[0] == 354
        connection.send(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return [connection.getreply()[0] for _ in recipients]


def test_a_mail_comes_in_with_its_recipients_and_envelope_sender(serve, taken):
    assert answers(serve(), TO) == [250]
    assert taken == [(b"Return-Path: <ada@example.org>\r\n" + MAIL, TO)]


def test_each_recipient_has_an_answer_and_the_mail_is_handed_over_once(serve, taken):
    recipients = ["help@papers.example", *TO, "whoever@papers.example"]
    assert answers(serve(), recipients) == [250, 250, 250]
    assert [to for _, to in taken] == [recipients]


def test_a_bounce_has_no_sender(serve, taken):
    assert answers(serve(), TO, sender="") == [250]
    assert taken[0][0].startswith(b"Return-Path: <>\r\n")


@pytest.mark.parametrize(
    "error", [StoreBusy("locked"), ConfigError("x"), ZeroDivisionError("ada@")]
)
def test_what_cannot_be_stored_now_is_kept_by_the_mail_server(serve, error, caplog):
    def fails(_raw, _recipients):
        raise error

    address = serve(fails)
    assert answers(address, [*TO, "help@papers.example"]) == [451, 451]
    assert answers(address, TO) == [451], "the door stays open"
    assert "ada@" not in caplog.text


def test_eight_bits_long_lines_and_dots_come_through(serve, taken):
    content = (
        b"Subject: x\r\n\r\ngr\xc3\xbc\xc3\x9fe \xff\r\n.\r\n.dot\r\n" + b"a" * 50_000 + b"\r\n"
    )
    assert answers(serve(), TO, content) == [250]
    assert taken[0][0].endswith(content)


def test_addresses_beyond_ascii_come_through(serve, taken):
    with client(serve()) as connection:
        connection.sendmail("ä@example.org", ["grüße@bücher.example"], MAIL, ["SMTPUTF8"])
    assert taken[0][1] == ["grüße@bücher.example"]


@pytest.mark.parametrize("ours", ["help@xn--bcher-kva.example", "help@BÜCHER.example"])
def test_a_domain_beyond_ascii_is_ours_in_either_spelling(serve, taken, ours):
    with client(serve()) as connection:
        connection.sendmail("ada@example.org", [ours], MAIL, ["SMTPUTF8"])
    assert taken[0][1] == [ours]


def test_a_mail_that_is_too_large_is_refused(serve, taken):
    address = serve()
    with client(address) as connection, pytest.raises(smtplib.SMTPException):
        connection.sendmail("ada@example.org", TO, b"x: y\r\n\r\n" + b"a\r\n" * 800_000)
    assert taken == []
    assert answers(address, TO) == [250]


def test_too_many_recipients_come_in_the_next_mail(serve):
    with client(serve()) as connection:
        connection.ehlo_or_helo_if_needed()
        connection.mail("ada@example.org")
        codes = [connection.rcpt(f"r{each}@papers.example")[0] for each in range(51)]
    assert codes == [250] * 50 + [452]


def test_a_socket_in_the_file_system_does_too(serve, taken, tmp_path):
    address = serve(address=f"unix:{tmp_path}/lmtp")
    assert answers(address, TO) == [250]
    assert stat.S_IMODE((tmp_path / "lmtp").stat().st_mode) == 0o666


def test_where_somebody_listens_already_nobody_is_disturbed(serve, taken, tmp_path):
    for address in (serve(), serve(address=f"unix:{tmp_path}/lmtp")):
        with pytest.raises(RetryLater, match="already"):
            lmtp.Server(lambda raw, to: None, address, **OURS)
        lmtp.check(address, secret=b"ours")
        assert answers(address, TO) == [250]


def test_where_the_digest_of_another_database_listens_the_setting_is_wrong(serve, tmp_path):
    def listens(address):
        lmtp.Server(lambda raw, to: None, address, secret=b"other", domains=["papers.example"])

    def checks(address):
        lmtp.check(address, secret=b"other")

    for address in (serve(), serve(address=f"unix:{tmp_path}/lmtp")):
        for ask in (listens, checks):
            with pytest.raises(ConfigError, match="another Digest, with another database, listens"):
                ask(address)


def test_mail_for_another_domain_is_refused_so_that_its_sender_is_told(serve, taken):
    with client(serve()) as connection:
        refused = connection.sendmail("ada@example.org", [*TO, "unsubscribe@other.example"], MAIL)
    assert {address: code for address, (code, _) in refused.items()} == {
        "unsubscribe@other.example": 550
    }
    assert [to for _, to in taken] == [TO]


def test_a_mailbox_without_a_domain_is_of_this_machine_and_taken(serve, taken):
    assert answers(serve(), ["postmaster"]) == [250]
    assert [to for _, to in taken] == [["postmaster"]]


@pytest.mark.parametrize("greeting", [b"220 mx.example.org ESMTP Postfix\r\n", b""])
def test_where_another_program_listens_the_setting_is_wrong(stranger, monkeypatch, greeting):
    monkeypatch.setattr(lmtp, "GREETING_SECONDS", 0.1)
    address = stranger(greeting)

    def listens(address):
        lmtp.Server(lambda raw, to: None, address, **OURS)

    def checks(address):
        lmtp.check(address, secret=b"ours")

    for ask in (listens, checks):
        with pytest.raises(ConfigError, match=r"^\[inbound\] lmtp: another program listens at"):
            ask(address)


def test_one_that_hangs_up_is_on_its_way_out_and_waited_for(stranger):
    address = stranger(None)

    lmtp.check(address, secret=b"ours")
    with pytest.raises(RetryLater, match="already"):
        lmtp.Server(lambda raw, to: None, address, **OURS)


def test_a_socket_left_behind_by_a_crash_is_taken_over(serve, tmp_path):
    left = socket.socket(socket.AF_UNIX)
    left.bind(f"{tmp_path}/lmtp")
    left.close()
    assert answers(serve(address=f"unix:{tmp_path}/lmtp"), TO) == [250]


@pytest.mark.parametrize(
    "address", ["nonsense", "127.0.0.1", "unix:/no/such/folder/lmtp", "192.0.2.1:24"]
)
def test_an_address_where_nothing_can_listen_is_a_wrong_setting(address):
    with pytest.raises(ConfigError, match="lmtp"):
        lmtp.Server(lambda raw, to: None, address, **OURS)


@pytest.mark.parametrize(
    "address",
    ["8024", "localhost:abc", "127.0.0.1:99999", "unix:/no/such/folder/lmtp"],
)
def test_an_address_that_is_none_is_found_without_listening(address):
    with pytest.raises(ConfigError, match=r"\[inbound\] lmtp"):
        lmtp.check(address, secret=b"ours")


def test_an_address_is_fine_whether_it_is_free_or_not(serve, tmp_path):
    for address in (serve(), serve(address=f"unix:{tmp_path}/lmtp"), ":8024", "[::1]:8024"):
        lmtp.check(address, secret=b"ours")


def test_closing_lets_the_mail_in_hand_be_finished(free_port):
    started, go_on, kept = threading.Event(), threading.Event(), []

    def slow(raw, _recipients):
        started.set()
        go_on.wait(10)
        kept.append(raw)

    address = f"127.0.0.1:{free_port()}"
    server = lmtp.Server(slow, address, **OURS)
    codes = []
    sending = threading.Thread(target=lambda: codes.extend(answers(address, TO)))
    sending.start()
    assert started.wait(10)
    closing = threading.Thread(target=server.close)
    closing.start()
    go_on.set()
    closing.join(10)
    sending.join(10)
    assert codes == [250]
    assert len(kept) == 1
    server.close()
