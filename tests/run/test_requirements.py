"""`requirements.txt` beside a script: what is said of it, and what is installed on request, really by pip."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from fluentpipe.errors import RunError, StepFailed
from fluentpipe.program import CODE, INSTALLER
from fluentpipe.run.requirements import Environments, _key, asked_for, said_of, unmet
from fluentpipe.steps.load_data import CONTAINERS

from .pipelines import Sketch, packed

NUMPY = metadata.version("numpy")
WHEEL = "fluentpipe_tiny-1.0-py3-none-any.whl"
USES = "import fluentpipe_tiny, numpy; print('tiny', fluentpipe_tiny.VERSION, numpy.__version__)"


def wheel(folder: Path, version: str = "1.0") -> Path:
    """A package of one module, made without a network."""
    name, info = f"fluentpipe_tiny-{version}", f"fluentpipe_tiny-{version}.dist-info"
    files = {
        "fluentpipe_tiny.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: fluentpipe-tiny\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{each},,\n" for each in (*files, f"{info}/RECORD"))
    path = folder / f"{name}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in files.items():
            archive.writestr(each, text)
    return path


def asking(text: str, script: str = USES, **options: object) -> Sketch:
    sketch = Sketch()
    sketch.training("T", script, channels={}, code=packed({"train.py": script, "requirements.txt": text}), **options)
    del sketch.steps[0]["Arguments"]["InputDataConfig"]
    return sketch


# (line, what is said to be missing)
LINES = [
    ("numpy", ""),
    (f"numpy=={NUMPY}", ""),
    ("numpy>=999", f"numpy>=999 ({NUMPY} is installed)"),
    ("NumPy[extra] <= 1000 ; python_version >= '3'", ""),
    ("no-such-package-at-all~=1.2  # why", "no-such-package-at-all~=1.2 (not installed)"),
    ("no-such-package-at-all; sys_platform == 'plan9'", ""),
    ("# no-such-package-at-all", ""),
    ("-r other.txt", ""),
    ("./local.whl", ""),
    ("it @ https://example.com/it.whl", ""),
    ("", ""),
]


@pytest.mark.parametrize(("line", "missing"), LINES)
def test_what_is_asked_for_and_not_there_is_found(line, missing, tmp_path):
    (tmp_path / "requirements.txt").write_text(f"{line}\n")
    assert [str(each) for each in unmet(tmp_path / "requirements.txt")] == ([missing] if missing else [])


def test_the_line_says_what_is_asked_for_and_what_is_missing(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text("# ours\nnumpy\nno-such-package>=2\n")
    assert asked_for(file) == ("numpy", "no-such-package>=2")
    assert said_of(file, unmet(file)) == (
        "requirements.txt asks for numpy, no-such-package>=2; not here: no-such-package>=2 (not installed). "
        "Nothing is installed without --install-requirements."
    )
    file.write_text("numpy\n")
    assert said_of(file, unmet(file)) == "requirements.txt asks for numpy"


def test_a_script_that_can_do_without_runs_and_its_log_says_what_is_missing(run):
    result = run(asking("no-such-package>=2\n", "print('does without')"))
    lines = result.steps["T"].log.read_text().splitlines()
    assert lines[0].startswith(
        "requirements.txt asks for no-such-package>=2; not here: no-such-package>=2 (not installed)"
    )
    assert lines[1] == "does without"


def test_a_script_that_cannot_is_told_how_to_have_it_installed(run):
    with pytest.raises(StepFailed) as caught:
        run(asking("fluentpipe-tiny>=1\n"))
    assert "No module named 'fluentpipe_tiny'" in str(caught.value)
    assert (
        "--install-requirements (install_requirements=True); or do it yourself: pip install 'fluentpipe-tiny>=1'"
        in str(caught.value)
    )


def test_a_script_that_fails_otherwise_is_not_told_of_requirements(run):
    with pytest.raises(StepFailed) as caught:
        run(asking("fluentpipe-tiny>=1\n", "raise ValueError('no rows')"))
    assert "install" not in str(caught.value.fix)


def test_a_processing_script_has_none_as_its_container_installs_none(run):
    sketch = Sketch()
    sketch.processing("P", "print('runs')")
    place = sketch.steps[0]["Arguments"]["ProcessingInputs"][0]["S3Input"]
    place["S3Uri"] = sketch.asset({"main.py": "print('runs')", "requirements.txt": "no-such-package"})
    assert run(sketch).steps["P"].log.read_text() == "runs\n"


def processing(text: str, script: str) -> Sketch:
    """A processing job that starts with the program that installs its requirements."""
    sketch = Sketch()
    sketch.processing("P", script)
    arguments = sketch.steps[0]["Arguments"]
    files = {"main.py": script, "requirements.txt": text, INSTALLER: "raise SystemExit('this is done by the runner')"}
    arguments["ProcessingInputs"][0]["S3Input"]["S3Uri"] = sketch.asset(files)
    application = arguments["AppSpecification"]
    application["ContainerEntrypoint"] = ["python3", f"{CODE}/{INSTALLER}", *application["ContainerEntrypoint"]]
    return sketch


def test_a_processing_script_that_installs_first_is_told_what_is_missing(run):
    log = run(processing("no-such-package>=2\n", "print('does without')")).steps["P"].log.read_text()
    assert log.endswith("(not installed). Nothing is installed without --install-requirements.\ndoes without\n")


@pytest.mark.slow
def test_the_program_that_installs_goes_on_as_the_one_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    shutil.copy(CONTAINERS / INSTALLER, tmp_path)
    command = [
        sys.executable,
        str(tmp_path / INSTALLER),
        sys.executable,
        "-c",
        "import sys; print(sys.argv[1:])",
        "--a",
        "b c",
    ]
    (tmp_path / "requirements.txt").write_text(f"numpy=={NUMPY}\n")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['--a', 'b c']"
    (tmp_path / "requirements.txt").write_text("fluentpipe-tiny\n")
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert failed.stderr.endswith("What requirements.txt asks for cannot be installed; pip says why, above.\n")
    assert "['--a'" not in failed.stdout


@pytest.mark.slow
def test_on_request_pip_installs_it_into_an_environment_that_is_kept(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    wheel(tmp_path)
    sketch = asking("fluentpipe-tiny==1.0\nnumpy\n", USES + "\nimport sys; print(sys.executable)")
    log = run(sketch, install_requirements=True).steps["T"].log.read_text()
    assert f"tiny 1.0 {NUMPY}" in log  # its own, and what is in the environment beside
    assert "Successfully installed fluentpipe-tiny-1.0" in log
    (environment,) = (path for path in (tmp_path / "home" / "environments").iterdir() if path.is_dir())
    assert str(environment / "bin" / "python") in log
    again = run(sketch, install_requirements=True, cache=False).steps["T"].log.read_text()
    assert "Successfully installed" not in again  # made once
    assert "tiny 1.0" in again
    assert run(sketch, install_requirements=True).steps["T"].cached
    other = run(processing("fluentpipe-tiny==1.0\nnumpy\n", USES), install_requirements=True).steps["P"].log.read_text()
    assert "Successfully installed" not in other  # the environment is that of the file, whichever job asks
    assert "tiny 1.0" in other
    with pytest.raises(StepFailed):  # without, another environment and so another result
        run(sketch)
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("fluentpipe-tiny")  # the user's environment is as it was


@pytest.mark.slow
def test_what_pip_cannot_install_is_told_with_its_words_and_tried_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    file = tmp_path / "requirements.txt"
    file.write_text("fluentpipe-tiny==1.0\n")
    environments = Environments(tmp_path / "environments")
    with pytest.raises(
        RunError, match=r"What requirements.txt asks for cannot be installed(.|\n)*No matching distribution"
    ):
        environments.python(file, lambda _: None)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    wheel(tmp_path)
    python = environments.python(file, lambda _: None)
    assert python.is_file()
    assert python.parent.parent.name != Path(sys.prefix).name


@pytest.mark.parametrize(("text", "differs"), [(f"./{WHEEL}\n", True), ("-r more.txt\n", True), ("numpy\n", False)])
def test_files_beside_it_count_where_it_may_name_them(text, differs, tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text(text)
    (tmp_path / "more.txt").write_text("numpy\n")
    before = _key(file)
    (tmp_path / "more.txt").write_text("fluentpipe-tiny\n")
    assert (_key(file) != before) == differs
