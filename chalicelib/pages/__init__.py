"""The hosted pages: what a person sees of us.

Rules of the room: no script, nothing from another host, one style sheet inlined and named by its hash; every word
stands in `messages`; what an app or a provider chose arrives as text, never as markup; jinja2 comes with the first
page.
"""
