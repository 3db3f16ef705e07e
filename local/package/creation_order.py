"""What CloudFormation makes last: that which stays when a first deployment fails.

Tables and alias have names of their own and stay when a stack is rolled back; tables cannot even be deleted. A second
attempt would find their names taken. So everything that can fail is made before them.
"""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

LAST = ("BrokerTable", "BrokerKeysTable", "BrokerKey", "BrokerKeyAlias")


def make_last(resources: dict[str, Any]) -> None:
    """Let what stays wait for everything else, and each of it for the one before.

    DependsOn takes no condition. A resource that is not always there is referred to in Metadata instead, which may.
    """
    if not set(LAST) <= resources.keys():
        return
    others = {name: _by_name(each) for name, each in resources.items() if name not in LAST}
    resources |= others
    first = resources[LAST[0]]
    first["DependsOn"] = sorted(name for name, each in others.items() if "Condition" not in each)
    first["Metadata"] = {"After": _conditional(others)}
    for before, name in pairwise(LAST):
        if name != "BrokerKeyAlias":  # it names the key already
            resources[name]["DependsOn"] = before


def _by_name(resource: Any) -> Any:
    """Without references to tables: whatever refers to one could be made only after it."""
    text = json.dumps(resource)
    for table, name, part in (
        ("BrokerTable", "broker", "${Deployment}"),
        ("BrokerKeysTable", "broker-keys", "${Deployment}-keys"),
    ):
        text = text.replace(f'{{"Ref": "{table}"}}', f'"{name}"').replace(f"${{{table}}}", part)
    return json.loads(text)


def _conditional(resources: Mapping[str, Any]) -> list[Any]:
    return [
        {"Fn::If": [each["Condition"], {"Ref": name}, ""]}
        for name, each in sorted(resources.items())
        if "Condition" in each
    ]
