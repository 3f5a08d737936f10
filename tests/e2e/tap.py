# SPDX-License-Identifier: Apache-2.0
"""A minimal TAP runner: @test functions run in order, a failed assertion or exception is 'not ok' with its reason."""
import sys
import time
import traceback

TESTS = []


class Skip(Exception):
    pass


def test(fn):
    TESTS.append(fn)
    return fn


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def main(context, only=None, after=None):
    tests = [t for t in TESTS if not only or only in t.__name__]
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for n, t in enumerate(tests, 1):
        name = t.__name__
        start = time.monotonic()
        try:
            t(context)
            print(f"ok {n} - {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except Skip as e:
            print(f"ok {n} - {name} # SKIP {e}", flush=True)
        except Exception as e:  # any failure of a test is its result
            failed += 1
            print(f"not ok {n} - {name}", flush=True)
            text = str(e) if isinstance(e, AssertionError) else traceback.format_exc()
            for line in text.splitlines():
                print(f"# {line}", flush=True)
        if after:
            after()
    return 1 if failed else 0
