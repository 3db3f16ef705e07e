"""A process that has everything of others imported and nothing of ours, and forks once for each run of tests.

It works in one copy of the tree, started there as `python -m tests.mutants.warm`. A request is one line of JSON: [node
ids, seconds that they may take]; the answer is one line: [exit code of pytest or null after too long, what it printed].
"""

import json
import os
import select
import signal
import sys
import tempfile
import time

THEIRS = (
    "boto3", "botocore.config", "chalice", "cryptography.hazmat.primitives.asymmetric.ec", "hypothesis", "jinja2",
    "jwt",
    "moto.dynamodb.responses", "moto.kms.responses", "moto.moto_server.werkzeug_app", "msgspec", "pytest", "requests",
    "urllib3", "xml.dom.minidom",
)  # fmt: skip


def prepare() -> None:
    """Import what is slow, and let botocore read its description of the two services."""
    for name in THEIRS:
        __import__(name)
    import boto3

    for service in ("dynamodb", "kms"):
        boto3.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    ours = [name for name in sys.modules if name.split(".")[0] in ("chalicelib", "local", "cli", "demo")]
    assert not ours, f"imported too early: {ours}"


def run_tests(nodes: list[str], seconds: float) -> tuple[int | None, str]:
    """Run pytest in a child of our own; None where it did not end in time."""
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if child == 0:
            os.setsid()
            for descriptor in (1, 2):
                os.dup2(output.fileno(), descriptor)
            import pytest

            arguments = ["-q", "--tb=line", "-rfE", "-p", "no:cacheprovider", "-p", "no:terminalprogress", *nodes]
            code = int(pytest.main(arguments))
            sys.stdout.flush()
            os._exit(code)
        code = _wait(child, seconds)
        output.seek(0)
        return code, output.read()


def _wait(child: int, seconds: float) -> int | None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        select.select([], [], [], 0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def main() -> None:
    """Answer until the other side closes."""
    prepare()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(run_tests(*json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
