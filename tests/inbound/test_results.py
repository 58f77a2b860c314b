"""Authentication-Results: believed from our own server, for the sender's own domain, and no more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.inbound.results import parse, proves

OURS = "mx.papers.example"
SENDER = "ada@example.org"


def is_proven(*fields, server=OURS, sender=SENDER):
    return proves(fields, authserv_id=server, sender=sender)


@pytest.mark.parametrize(
    "found",
    [
        "dkim=pass header.d=example.org",
        "dkim=pass (2048-bit key; secure) header.d=example.org header.i=@example.org header.b=Ab/c==",
        "dkim=pass header.i=ada@example.org",
        "DKIM = Pass HEADER.D = Example.ORG",
        'dkim=pass reason="fine; really" header.d=example.org',
        "spf=pass smtp.mailfrom=ada@example.org",
        "spf=pass smtp.mailfrom=example.org smtp.helo=out.example.org",
        "spf=pass smtp.mailfrom=prvs=12=ada@example.org",
        "dmarc=pass (p=none) header.from=example.org",
        "dkim=fail header.d=other.example; dkim=pass header.d=example.org",
        "iprev=pass policy.iprev=192.0.2.1; spf=none; dkim=pass header.d=example.org",
        "dkim=pass header.i=@example.org; dmarc=pass(p=REJECT) header.from=example.org;",
        "dkim=pass header.d=example.org x-bits=2048 x-keytype=rsa; x-vs=clean score=0 state=0",
        "x-tls=pass version=TLSv1.2 cipher=X bits=128/128; dkim=pass header.d=example.org",
        "spf=pass smtp.mailfrom=example.org; dmarc=pass action=none header.from=example.org",
    ],
)
def test_our_server_vouches_for_the_senders_domain(found):
    assert is_proven(f"{OURS}; {found}")
    assert is_proven(f"{OURS} 1; {found}")


@pytest.mark.parametrize(
    "found",
    [
        "none",
        "",
        "dkim=fail header.d=example.org",
        "dkim=pass",
        "dkim=pass header.d=evil.example",
        "dkim=pass header.d=notexample.org",
        "dkim=pass header.d=sub.example.org",
        "dkim=pass header.d=org",
        "dkim=pass header.d=evil.example header.d=example.org",
        "dkim=pass (header.d=example.org) header.d=evil.example",
        'dkim=pass reason="header.d=example.org" header.d=evil.example',
        "dkim=fail (dkim=pass header.d=example.org) header.d=evil.example",
        "dkim=pass header.d=evil.example header.s=example.org",
        "spf=pass smtp.helo=example.org",
        "spf=pass smtp.mailfrom=evil.example",
        'spf=pass smtp.mailfrom="ada@example.org"@evil.example',
        'spf=pass smtp.mailfrom="a; dkim=pass header.d=example.org; b"@evil.example',
        "spf=softfail smtp.mailfrom=example.org",
        "dmarc=pass header.from=sub.example.org",
        "arc=pass header.d=example.org",
        "dkim=pass header.d=example.org trailing words",
    ],
)
def test_everything_else_proves_nothing(found):
    assert not is_proven(f"{OURS}; {found}")


@pytest.mark.parametrize(
    "field",
    [
        "{ours}; x; {good}",
        "{ours};; {good}",
        "{ours}; none; {good}",
        "{ours} foo bar; {good}",
        "{ours} 1 2; {good}",
        "{ours} = 1; {good}",
        "{ours}(x); {good}",
        '"{ours}"; {good}',
        "(x) {ours}; {good}",
        "{ours} 1; dkim/1=pass header.d=example.org",
        "{ours}; dkim=pass header.s=a\\; spf=none; {good}",
        "{ours}; spf=none words; {good}",
        "{ours}; " + "a=b; " * 40 + "{good}",
        "{ours}; " + "(a)" * 601 + "{good}",
        "{ours}; {good} header.b=" + "." * 601,
    ],
)
def test_what_no_server_writes_proves_nothing_since_ours_may_have_left_it_where_it_came(field):
    good = "dkim=pass header.d=example.org"
    assert not is_proven(field.format(ours=OURS, good=good), f"{OURS}; {good}")


def test_a_domain_above_the_senders_vouches_for_it_and_one_below_does_not():
    field = f"{OURS}; dkim=pass header.d=example.org"
    assert is_proven(field, sender="ada@lab.example.org")
    assert not is_proven(field, sender="ada@ample.org")


def test_only_the_topmost_field_of_our_own_server_counts():
    good = f"{OURS}; dkim=pass header.d=example.org"
    bad = f"{OURS}; dkim=none"
    foreign = "mx.evil.example; dkim=pass header.d=example.org"
    assert not is_proven(foreign)
    assert not is_proven(bad, good)
    assert is_proven(foreign, good, bad)


def test_a_malformed_field_in_our_servers_name_is_no_reason_to_believe_the_next():
    good = f"{OURS}; dkim=pass header.d=example.org"
    assert not is_proven(f"{OURS}; dkim=pass (", good)
    assert not is_proven(f'"{OURS}; dkim=pass', good)


def test_without_a_name_for_our_server_nobody_is_believed():
    assert not is_proven("; dkim=pass header.d=example.org", server="")
    assert not is_proven(f"{OURS}; dkim=pass header.d=example.org", server="")


@given(st.text(max_size=400))
def test_any_text_is_parsed_or_refused(text):
    parsed = parse(text)
    assert parsed is None or isinstance(parsed[0], str)


@given(st.text(alphabet='();"\\= a@', max_size=60))
def test_no_local_part_can_speak_for_another_domain(local):
    """A server that quotes what it cannot write plainly (RFC 8601 §2.2) is safe with us."""
    quoted = '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert not is_proven(f"{OURS}; spf=pass smtp.mailfrom={quoted}@evil.example")
    commented = "".join("\\" + each if each in '()\\"' else each for each in local)
    assert not is_proven(f"{OURS}; dkim=pass ({commented}) header.d=evil.example")
