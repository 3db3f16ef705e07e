"""The documentation site: the Markdown of the repository as a code host shows it, with search, tabs and versions.

The modules `hook`, `rendering`, `elements`, `tabs`, `navigation` and `pages` run inside MkDocs, in the environment
`.venv-docs`. `command`, `versions` and `server` run in the environment of `dev.py`.
"""
