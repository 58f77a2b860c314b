"""The web door: what everyone can read, what people do by the links they were mailed, and feeds.

A GET never changes anything, because mail scanners open every link: pages show a button, and the
POST behind it acts. Nothing asks a third party for anything; the operator's page alone sets a
cookie.
"""

from __future__ import annotations

from digest.web.application import application
from digest.web.serving import serve

__all__ = ["application", "serve"]
