"""Patterns of secrets that no file may contain."""

import re

KINDS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}",
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "an AWS secret key": r"(?i)aws_secret_access_key[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9/+]{40}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60})",
    "a Google client secret": r"\bGOCSPX-[A-Za-z0-9_-]{20,}",
    "a Google API key": r"\bAIza[A-Za-z0-9_-]{35}\b",
    "a Slack token": r"\bxox[abpr]-[0-9A-Za-z-]{20,}",
    "a Stripe key": r"\b[rs]k_live_[0-9A-Za-z]{16,}",
    "a PyPI token": r"\bpypi-AgEI[A-Za-z0-9_-]{40,}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a code or refresh token of ours": r"\btb_(?:code|refresh|device)_[A-Za-z0-9_-]{60,}",
    "a URL with a password": r"https?://[^\s/:@\"'{}<>$]+:[^\s/:@\"'{}<>$]{8,}@[a-z0-9.-]+\.(?:com|org|net|io|dev)\b",
}


def find_secrets(text: str) -> list[str]:
    return [kind for kind, pattern in KINDS.items() if re.search(pattern, text)]
