"""Mails, letters, feeds and pages as bytes or text. The only I/O is reading the templates."""
