# SPDX-License-Identifier: Apache-2.0
"""Builds the extension around libembedd.a, which `make library` of the folder above makes first."""
import pathlib
import shutil
import subprocess

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.sdist import sdist

TOP = pathlib.Path(__file__).resolve().parent.parent

# Of the folder above, what the library is not made of.
LEFT_OUT = ("python/", "docs/", "examples/", "docker/", "bench/", "tests/", "web/", ".")


class StableWheel(bdist_wheel):
    """One wheel for every Python from 3.10 on: cffi's modules keep to the stable ABI."""

    def finalize_options(self):
        self.py_limited_api = "cp310"
        super().finalize_options()


class WithSources(sdist):
    """The sources of libembedd lie in the folder above; an sdist holds them as sources/ (build_native.py)."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        here = pathlib.Path(__file__).resolve().parent
        for name in ("build_native.py", "native.c", "native.h"):
            shutil.copy2(here / name, base_dir)
        if (here / "sources").exists():
            shutil.copytree(here / "sources", pathlib.Path(base_dir) / "sources", dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("build"))
            return
        listed = subprocess.run(["git", "-C", TOP, "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
        for name in listed.split("\0"):
            if name and not name.startswith(LEFT_OUT) and (TOP / name).is_file():
                target = pathlib.Path(base_dir) / "sources" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(TOP / name, target)


setup(cffi_modules=["build_native.py:ffi"], cmdclass={"bdist_wheel": StableWheel, "sdist": WithSources})
