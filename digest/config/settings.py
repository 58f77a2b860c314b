"""What can be set, section by section, as `config/digest.toml` explains it."""

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
    """`[smtp]`: how mail leaves; `url` may hold a password.

    `connections` are those of each of `processes`. `maillog` is the log of a Postfix of one's own
    (empty: there is none to ask). Of `per_second`, `per_hour` and `per_day` 0 is no bound.
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
    """`[fetch]`: bounds of one exchange; `interval` in minutes, `timeout` in seconds."""

    allow_private: bool
    timeout: float
    max_wire_mb: float
    max_body_mb: float
    interval: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriberSettings:
    """`[subscriber]`: what a new subscriber gets; `floor` is a chance from 0 to 1."""

    at: str
    tz: str
    cadence: str
    limit: int
    quiet: str
    floor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingSettings:
    """`[ranking]`: the ranker and its bounds; with `explore` the last place is kept for exploring.

    `processes` compose side by side, a `block` of subscribers at a time.
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
    """`[experiments]`: the ranker to compare with (empty: none), and for what share of readers.

    `options` are the arguments it is built with beside, or in place of, those of `[ranking]`.
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
    """`[inbound]`: mail that people and mail servers send us.

    `domain` is the one whose mail comes here (empty: none does). `authserv_id` names the
    Authentication-Results (RFC 8601) that our own mail server writes. `evidence_days` is how
    long bounces and complaints are kept, `soft_bounces` how many within `soft_days` pause.
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
    """`[community]`: `curators` are the addresses of subscribers who may feature and reject."""

    curators: tuple[str, ...]
    submissions_a_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """`[web]`: where to listen, whom to trust and how much to take.

    `hosts` are the Host names answered besides that of `site.url` (empty: any, while the site
    has no address). `proxies` are the addresses whose X-Forwarded-For is believed. `operator`
    is the secret that opens the operator's page (empty: there is none). `signups` per network
    and `letters` per address bound what strangers can make us send, per hour.
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
    """One `[sources.NAME]`: the class to use and the arguments it is built with."""

    name: str
    use: str
    enabled: bool
    nightly: bool
    follow_subscribers: bool
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything Digest can be told, once read; `origin` names the file it came from.

    `unknown_variables` are those named DIGEST_* that name no setting: misspelled, most likely.
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
