"""Finished messages on their way out: SMTP, Maildir or a stream, signed, with honest receipts."""

from digest.delivery.connection import MailServer
from digest.delivery.dkim import Signer, generate_key, public_record
from digest.delivery.forecasting import forecast, said
from digest.delivery.maildir import MaildirTransport
from digest.delivery.maillog import MailLog
from digest.delivery.policy import is_address_failure, scrub
from digest.delivery.smtp import SmtpTransport
from digest.delivery.stdout import StdoutTransport
from digest.delivery.urls import check, parse_url, server_of, transport_from_url

__all__ = [
    "MailLog",
    "MailServer",
    "MaildirTransport",
    "Signer",
    "SmtpTransport",
    "StdoutTransport",
    "check",
    "forecast",
    "generate_key",
    "is_address_failure",
    "parse_url",
    "public_record",
    "said",
    "scrub",
    "server_of",
    "transport_from_url",
]
