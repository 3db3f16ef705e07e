"""The command itself: a process that prints one link, serves it, and ends quietly."""

import http.client
import json
import signal
import subprocess
import sys
from urllib.parse import urlsplit

from tests.kit import ROOT
from tests.kit.cli.operator import Operator
from tests.kit.requirement import requirement


@requirement("CONSOLE-01", "CONSOLE-02")
def test_the_printed_link_works_and_ctrl_c_ends_the_console_without_a_trace(broker: Operator) -> None:
    command = [sys.executable, "dev.py", "broker", "console", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=broker.environ, **pipes) as process:  # type: ignore[call-overload]
        try:
            link = urlsplit(json.loads(process.stdout.readline())["link"])
            connection = http.client.HTTPConnection(link.netloc, timeout=60)
            connection.request("GET", f"{link.path}?{link.query}")
            answer = connection.getresponse()
            assert (answer.status, "HttpOnly" in (answer.getheader("Set-Cookie") or "")) == (200, True)
            answer.read()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
            assert (process.returncode, err) == (0, "")
        finally:
            process.kill()
