# SPDX-License-Identifier: Apache-2.0
"""A minimal TAP runner: @test functions run in order, a failed assertion or exception is 'not ok' with its reason.

With together=N as many run at a time, but for those marked @alone, which run one by one afterwards. Results come in order."""
import concurrent.futures
import sys
import time
import traceback

TESTS = []


class Skip(Exception):
    pass


def test(fn):
    TESTS.append(fn)
    return fn


def alone(fn):
    fn.alone = True
    return fn


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def run(n, t, context, after):
    """(it failed, what is to be printed)."""
    name = t.__name__
    start = time.monotonic()
    try:
        t(context)
        return False, f"ok {n} - {name} ({time.monotonic() - start:.1f} s)"
    except Skip as e:
        return False, f"ok {n} - {name} # SKIP {e}"
    except Exception as e:  # any failure of a test is its result
        text = str(e) if isinstance(e, AssertionError) else traceback.format_exc()
        return True, "\n".join([f"not ok {n} - {name}"] + [f"# {line}" for line in text.splitlines()])
    finally:
        if after:
            after()


def main(context, only=None, after=None, together=1):
    tests = [t for t in TESTS if not only or only in t.__name__]
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(together) as pool:
        running = {t: pool.submit(run, n, t, context, after) for n, t in enumerate(tests, 1) if together > 1 and not hasattr(t, "alone")}
        concurrent.futures.wait(running.values())
        for n, t in enumerate(tests, 1):
            bad, text = running[t].result() if t in running else run(n, t, context, after)
            failed += bad
            print(text, flush=True)
    return 1 if failed else 0
