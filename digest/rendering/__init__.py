"""Papers and digests in, bytes out: mails, feeds, pages. No I/O but reading the templates."""
