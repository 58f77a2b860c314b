"""Handing mail to a server that wants encryption and a password."""

import datetime as dt
import ipaddress
import ssl

import pytest
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

pytestmark = pytest.mark.slow

DELIVER = ("deliver", "--date", "2026-06-11")
PASSWORD = "p@ss/word"
ENCODED = "p%40ss%2Fword"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed one for 127.0.0.1, which nobody has a reason to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    begin = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=30))
        .add_extension(own, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    pem = serialization.Encoding.PEM
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.fixture
def server(serve, certificate):
    """Takes mail only over TLS, from `list` with the password."""

    def authenticate(_server, _session, _envelope, _mechanism, given):
        right = (given.login, given.password) == (b"list", PASSWORD.encode())
        return AuthResult(success=right, handled=False)

    return serve(
        tls_context=certificate,
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
