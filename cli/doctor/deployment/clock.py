"""Checks this machine's clock, which operators' cutoffs use."""

from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from cli.doctor.checks import Group, Skipped, Source
from cli.doctor.deployment.visit import Here

GROUP = Group("Clock")
MOST_SECONDS = 5
SIGNING = Source(
    "AWS, signature elements", "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html"
)


@GROUP.check("clock-right", "error", fix="timedatectl set-ntp true", source=SIGNING)
def is_right(here: Here) -> Iterator[str]:
    """This machine's clock is within five seconds of AWS: cutoffs that void tokens use this clock."""
    try:
        told = here.ask("dynamodb", "DescribeTable", TableName=here.settings.table)["ResponseMetadata"]["HTTPHeaders"]
        at = parsedate_to_datetime(told["date"]).timestamp()
    except (KeyError, ValueError):
        raise Skipped("the response of AWS has no Date header") from None
    apart = here.deployment.clock.now() - int(at)
    if abs(apart) > MOST_SECONDS:
        yield f"it is {abs(apart)} seconds {'ahead' if apart > 0 else 'behind'}"
