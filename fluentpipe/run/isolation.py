"""Programs of steps in namespaces of their own: the job's folder at /opt/ml itself, or no network.

Opt-in, and for Linux with unprivileged user namespaces alone: `unshare` of util-linux makes them, no root needed. A
program then sees itself as root; what it writes belongs to the user. It is no jail: the file system stays readable and
writable as the user has it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import attrs

from fluentpipe.errors import RunError
from fluentpipe.run.paths import as_in_container
from fluentpipe.run.starting import Command

# sh -c this sh ROOT FOLDER PROGRAM ARGUMENT...; an empty ROOT leaves the paths as they are.
# Where there is no /opt/ml, what lies in /opt is bound into an empty one, with /opt/ml beside it.
_ENTER = """set -e
root=$1 folder=$2
shift 2
if [ -n "$root" ]; then
    if [ ! -d /opt/ml ]; then
        kept=$(mktemp -d)
        mount --rbind /opt "$kept"
        mount -t tmpfs tmpfs /opt
        for each in "$kept"/* "$kept"/.[!.]*; do
            if [ -L "$each" ]; then
                cp -P "$each" /opt/
            elif [ -d "$each" ]; then
                mkdir "/opt/${each##*/}"
                mount --rbind "$each" "/opt/${each##*/}"
            elif [ -e "$each" ]; then
                : > "/opt/${each##*/}"
                mount --bind "$each" "/opt/${each##*/}"
            fi
        done
        umount -l "$kept" && rmdir "$kept" || :
        mkdir /opt/ml
    fi
    mount --bind "$root" /opt/ml
fi
ip link set lo up 2> /dev/null || :
cd "$folder"
exec "$@"
"""
_PROBE_SECONDS = 20


@attrs.frozen
class Isolation:
    """What a program has to itself, or has not."""

    paths: bool = False  # the job's folder is /opt/ml
    network: bool = True

    @classmethod
    def of(cls, *, paths: bool, network: bool) -> Isolation:
        """Checked once, before anything starts.

        Raises:
            RunError: The platform cannot; it says what it answered.
        """
        made = cls(paths, network)
        if made != cls() and (why := made._fault()):
            wanted = " and ".join(
                [*(["the job's folder at /opt/ml"] if paths else []), *(["no network"] * (not network))]
            )
            raise RunError(
                f"Programs cannot be isolated here ({wanted}): {why}.",
                fix="run without it: scripts find their paths in arguments and SM_* variables; or on a Linux that lets users "
                "make namespaces (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces>0)",
                run=None,
            )
        return made

    def wrapped(self, command: Command, root: Path) -> Command:
        """The command, started in the namespaces; with `paths`, all that names the root says /opt/ml."""
        if self == Isolation():
            return command
        argv, cwd, env = command.argv, str(command.cwd), dict(command.env)
        if self.paths:
            argv, cwd = tuple(as_in_container(word, root) for word in argv), as_in_container(cwd, root)
            env = {name: as_in_container(value, root) for name, value in env.items()}
        prefix = self._prefix(str(root) if self.paths else "", cwd)
        return attrs.evolve(command, argv=(*prefix, *argv), cwd=root, env=env)

    def _prefix(self, root: str, folder: str) -> tuple[str, ...]:
        spaces = ["--user", "--map-root-user", *(["--mount"] * self.paths), *(["--net"] * (not self.network))]
        return ("unshare", *spaces, "--", "/bin/sh", "-c", _ENTER, "sh", root, folder)

    def _fault(self) -> str:
        """Why not, or empty: tried with a folder that holds one file."""
        if sys.platform != "linux" or shutil.which("unshare") is None:
            return "it takes Linux and the program unshare (util-linux)"
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "probe").touch()
            place = "/opt/ml" if self.paths else folder
            argv = (*self._prefix(folder if self.paths else "", place), "test", "-e", "probe")
            try:
                tried = subprocess.run(  # noqa: S603 - fixed words and a folder of our own
                    argv, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False, cwd=folder
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                return str(error)
        return (
            ""
            if tried.returncode == 0
            else (tried.stderr.strip().replace("\n", "; ") or f"exit code {tried.returncode}")
        )
