"""Any provider file, played: what the file says, nothing that it does not say.

The file is used untouched. `player` is the running provider, `places` says which URL has which role, and each other
module answers for one role. If a file leaves something open, the stricter reading applies.
"""
