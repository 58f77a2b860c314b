"""Handing mail to a server that wants encryption and a password."""

import pytest
from aiosmtpd.smtp import AuthResult

pytestmark = pytest.mark.slow

DELIVER = ("deliver", "--date", "2026-06-11")
PASSWORD = "p@ss/word"
ENCODED = "p%40ss%2Fword"


@pytest.fixture
def server(serve, certificate):
    """Takes mail only over TLS, from `list` with the password."""

    def authenticate(_server, _session, _envelope, _mechanism, given):
        right = (given.login, given.password) == (b"list", PASSWORD.encode())
        return AuthResult(success=right, handled=False)

    return serve(
        tls_context=certificate[0],
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
    )


@pytest.fixture
def deliver(digest, server):
    """Run `digest deliver` for three readers, with these credentials in the address."""
    people = digest.ready(3)

    def run(credentials=f"list:{ENCODED}@", options="?verify=no", scheme="smtp+starttls"):
        url = f"{scheme}://{credentials}127.0.0.1:{server.port}{options}"
        return digest(*DELIVER, DIGEST_SMTP_URL=url)

    run.people = people
    return run


def test_mail_goes_out_over_starttls_with_a_password(deliver, server, digest):
    ran = deliver()

    assert ran.code == 0, ran.err
    assert sorted(server.recipients) == deliver.people
    assert digest.outbox() == {"sent": 3}


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"credentials": "list:guessed%40secret@"}, "refuses the user name or password"),
        ({"options": ""}, "certificate"),
        ({"scheme": "smtps"}, "smtp+starttls"),
    ],
    ids=["wrong password", "unknown certificate", "TLS from the start"],
)
def test_what_only_the_operator_can_mend_stops_with_one_sentence_and_loses_nothing(
    deliver, server, digest, how, why
):
    ran = deliver(**how)

    assert ran.code == 2
    assert why in ran.err
    assert ran.err.startswith("digest: [smtp] url: ")
    assert len(ran.err.splitlines()) == 1
    assert "secret" not in ran.err
    assert ENCODED not in ran.err
    assert server.taken == []
    assert digest.outbox() in ({"queued": 3}, {})
    assert digest.rows("SELECT * FROM deliveries") == []

    assert deliver().code == 0
    assert sorted(server.recipients) == deliver.people


def test_a_server_that_is_away_is_tried_again_later(deliver, server, digest):
    server.stop()

    ran = deliver()

    assert ran.code == 1
    assert "cannot be reached" in ran.out
    assert digest.outbox() == {"queued": 3}, "nobody was there to try them on"
