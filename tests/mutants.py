# SPDX-License-Identifier: ISC
"""A copy of the tree in $TMPDIR that is broken on purpose, one way at a time: what tests/sim/mutants and
tests/node/mutants share.

A break is a text of one file and what stands there instead; the text has to stand there exactly once, so that one that
has gone with the code is reported, and not passed over.
"""
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def sh(command, folder, **more):
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


class Tree:
    """The copy, and a build of it for each set of configure's options. Use it in a `with`; it is removed at the end."""

    def __init__(self, targets):
        self.targets = targets
        self.work = tempfile.TemporaryDirectory(prefix="flowbraid-mutants.")
        self.path = os.path.join(self.work.name, "tree")
        self.scratch = os.path.join(self.work.name, "scratch")
        self.folders = {}
        self.whole = {}  # files that are broken now, as they were

    def __enter__(self):
        os.mkdir(self.scratch)
        listed = subprocess.run(["git", "-C", SOURCE, "ls-files", "-z"], stdout=subprocess.PIPE, check=True).stdout
        for name in filter(None, listed.decode().split("\0")):
            os.makedirs(os.path.dirname(os.path.join(self.path, name)), exist_ok=True)
            shutil.copy2(os.path.join(SOURCE, name), os.path.join(self.path, name))
        made = sh(["./autogen.sh"], self.path)
        if made.returncode != 0:
            sys.exit(made.stdout)
        return self

    def __exit__(self, *_):
        self.work.cleanup()

    def build(self, *options):
        """The folder of an up-to-date build; None, and what make said is printed, when it cannot be built."""
        folder = self.folders.get(options)
        if folder is None:
            folder = self.folders[options] = os.path.join(self.path, "build-%d" % len(self.folders))
            os.mkdir(folder)
            made = sh(["../configure", "-q", *options], folder)
            if made.returncode != 0:
                sys.exit(made.stdout)
        for target in self.targets:  # one after the other: "all" is another make, which would make the same things meanwhile
            made = sh(["make", "-s", "-j", str(os.cpu_count() or 1), target], folder)
            if made.returncode != 0:
                print(made.stdout)
                return None
        return folder

    def break_it(self, name, before, after):
        """None, or why it cannot be broken so."""
        path = os.path.join(self.path, name)
        with open(path) as file:
            code = file.read()
        if code.count(before) != 1:
            return f"stands {code.count(before)} times in {name}: {before!r}"
        self.whole.setdefault(path, code)
        with open(path, "w") as file:
            file.write(code.replace(before, after))
        return None

    def mend(self):
        for path, code in self.whole.items():
            with open(path, "w") as file:
                file.write(code)
        self.whole = {}
