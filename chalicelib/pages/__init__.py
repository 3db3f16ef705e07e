"""The hosted pages, which users see.

Rules of the package: no script, nothing from another host, one inlined style sheet whose hash is in the policy. All
words are in `messages`. Names from an app or a provider are inserted as text, never as markup. jinja2 is imported for
the first page.
"""
