"""The settings by section; `config/digest.toml` explains each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from digest.model import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """`[site]`: the publisher, as readers see it."""

    name: str
    url: str
    imprint: str
    contact: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """`[mail]`: the addresses in the headers; `from_` is the key `from`."""

    from_: str
    list_id: str
    unsubscribe_to: str
    bounce_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """`[smtp]`: how mail is sent; `url` may hold a password.

    Each of `processes` has as many `connections`. `maillog` is the log of the operator's own
    Postfix (empty: none). 0 in `per_second`, `per_hour` and `per_day` means no bound.
    """

    url: str
    timeout: float
    connections: int
    per_connection: int
    block: int
    processes: int
    maillog: str
    per_second: int
    per_hour: int
    per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimSettings:
    """`[dkim]`: signing; all three keys, or none."""

    domain: str
    selector: str
    private_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    """`[fetch]`: bounds of one request; `interval` in minutes, `timeout` in seconds."""

    allow_private: bool
    timeout: float
    max_wire_mb: float
    max_body_mb: float
    interval: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberSettings:
    """`[subscriber]`: the defaults of a new subscriber; `floor` is a probability."""

    at: str
    tz: str
    cadence: str
    limit: int
    quiet: str
    floor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingSettings:
    """`[ranking]`: the ranker and its bounds.

    With `explore` = 1 the last place of a digest is for exploration. `processes` compose side by
    side, each a `block` of subscribers at a time.
    """

    use: str
    embedder: str
    trending: float
    cap: int
    block: int
    processes: int
    explore: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentSettings:
    """`[experiments]`: a second ranker to compare with (empty: none), for a share of the readers.

    `options` are its arguments, added to those of `[ranking]` or replacing them.
    """

    against: str
    options: Mapping[str, object]
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """`[feeds]`: how much a feed holds."""

    days: int
    limit: int
    hub: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """`[worker]`: the clock's tick in seconds, the nightly hour in UTC, where to publish."""

    tick: int
    nightly_hour: int
    publish: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepSettings:
    """`[keep]`: retention in days, and backups."""

    papers: int
    digests: int
    logs: int
    backups: str
    backup_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundSettings:
    """`[inbound]`: mail from subscribers and mail servers.

    `domain` is the domain whose mail comes here (empty: none). `authserv_id` is the name in the
    Authentication-Results (RFC 8601) of the operator's mail server. Bounces and complaints are
    kept for `evidence_days`; `soft_bounces` within `soft_days` pause a subscription.
    """

    domain: str
    authserv_id: str
    lmtp: str
    imap: str
    imap_folder: str
    evidence_days: int
    soft_bounces: int
    soft_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunitySettings:
    """`[community]`: `curators` are addresses of subscribers who may feature or reject papers."""

    curators: tuple[str, ...]
    submissions_a_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """`[web]`: where to listen, which proxies to trust, and rate limits.

    `hosts` are the accepted Host names besides that of `site.url` (empty: any, if the site has no
    address). `proxies` are the addresses whose X-Forwarded-For is trusted. `operator` is the
    secret of the operator's page (empty: no such page). `signups` per network and hour and
    `letters` per address and hour bound the mail that strangers can cause.
    """

    host: str
    port: int
    hosts: tuple[str, ...]
    proxies: tuple[str, ...]
    operator: str
    signups: int
    letters: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """One `[sources.NAME]`: the class to use, and as `options` its arguments."""

    name: str
    use: str
    enabled: bool
    nightly: bool
    follow_subscribers: bool
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings; `origin` names the file they came from.

    `unknown_variables` are the DIGEST_* variables that name no setting, probably by a typo.
    """

    origin: str
    unknown_variables: tuple[str, ...]
    db: str
    site: SiteSettings
    mail: MailSettings
    smtp: SmtpSettings
    dkim: DkimSettings
    fetch: FetchSettings
    sources: Mapping[str, SourceSettings]
    topics: Mapping[str, Topic]
    subscriber: SubscriberSettings
    ranking: RankingSettings
    experiments: ExperimentSettings
    feeds: FeedSettings
    worker: WorkerSettings
    keep: KeepSettings
    web: WebSettings
    inbound: InboundSettings
    community: CommunitySettings
