"""The built wheel holds everything, and works in an environment that has never seen the checkout."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("paperdigest-*.whl")
    return path


def tracked(*folders):
    listed = subprocess.run(
        ["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(listed.stdout.split())


def test_every_file_of_the_package_its_templates_and_settings_is_in_the_wheel(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    for name in tracked("digest"):
        assert name in held
    for name in tracked("templates", "config"):
        assert f"digest/_shared/{name}" in held
    stray = {each for each in held if not each.startswith(("digest/", "paperdigest-"))}
    assert not stray


def test_the_wheel_runs_the_demo_in_a_bare_environment(wheel, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
    ran = subprocess.run(
        [tmp_path / "venv" / "bin" / "digest", "demo", "--dir", tmp_path / "demo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert len(list((tmp_path / "demo" / "emails").glob("*-ada.html"))) == 1
