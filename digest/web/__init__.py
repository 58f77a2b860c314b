"""The web server: public pages, feeds, and pages behind the signed links in mails.

A GET never changes anything, because mail scanners open every link: the page shows a button, and
its POST acts. Nothing is loaded from third parties, and only the operator's page sets a cookie.
"""

from __future__ import annotations

from digest.web.application import application
from digest.web.serving import serve

__all__ = ["application", "serve"]
