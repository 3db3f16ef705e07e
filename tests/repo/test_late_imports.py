"""What a path that does not use it must not wait for at a cold start."""

import subprocess
import sys

from tests.kit import ROOT

LATE = (
    *("chalicelib.protocol.dpop", "chalicelib.endpoints.callers.dpop_proof"),
    *(f"chalicelib.endpoints.bff.{name}" for name in ("login", "session", "api_calls", "origin_check")),
    "chalicelib.endpoints.browser.bff_cookie",
)


def test_proofs_and_browser_sessions_are_loaded_where_somebody_uses_one() -> None:
    assert [name for name in LATE if not (ROOT / (name.replace(".", "/") + ".py")).exists()] == []
    program = f"import sys, app; print(sorted(set({LATE!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", (done.stdout, done.stderr[-500:])
