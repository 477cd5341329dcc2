# SPDX-License-Identifier: Apache-2.0
"""Builds the extension around libembedd.a, which `make library` of the folder above makes first."""
from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel


class StableWheel(bdist_wheel):
    """One wheel for every Python from 3.10 on: cffi's modules keep to the stable ABI."""

    def finalize_options(self):
        self.py_limited_api = "cp310"
        super().finalize_options()


setup(cffi_modules=["build_native.py:ffi"], cmdclass={"bdist_wheel": StableWheel})
